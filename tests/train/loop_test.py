"""Batches, reports and keys of the loop, on a toy that logs its batches."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys

from moegan_jax import systems
from moegan_jax.ops.pooling import max_convolution
from moegan_jax.train import batches, keys, loop, operation_count
from moegan_jax.types import Phase, Role, TrainState, Update

pytestmark = pytest.mark.usefixtures('quick_compilation')
STEPS = 40  # length of the log


@functools.cache
def toy(*, epochs, batch=4, batches=1, metrics=None):
  """Returns init and Phase; the memory logs the first token of each row."""

  def init(key):
    k_run, k_memory = jax.random.split(key)
    log = jnp.full((STEPS, batches * batch), -1, jnp.int32)
    mark = jax.random.uniform(k_memory)
    return TrainState(jnp.int32(0), k_run, {}, {'log': log, 'mark': mark})

  def apply(state, given, key):
    rows = given.tokens[:, :, 0].reshape(-1)
    log = state.memory['log'].at[state.step].set(rows)
    draw = jax.random.uniform(key)
    values = metrics(state) if metrics else {'draw': draw}
    return state.replace(memory=state.memory | {'log': log}), values

  def enter(state):
    return state

  return init, Phase(
    STEPS, batch, Update(batches, apply), enter, epochs, Role.ADVERSARIAL, 'toy'
  )


@functools.cache
def compiled_chunk(init, phase, size, seeds, start):
  corpus = jnp.tile(jnp.arange(size, dtype=jnp.int32)[:, None], (1, 3))
  state = loop.init_seeds(init, 0, seeds)
  return loop.compile_chunk(phase, start, state, corpus), corpus


def run(init, phase, size, counts, *, seeds=1, seed=0, start=0):
  """Returns the state after chunks of these lengths, and the last Report."""
  compiled, corpus = compiled_chunk(init, phase, size, seeds, start)
  state = loop.init_seeds(init, seed, seeds)
  state = state.replace(step=jnp.int32(start))
  for count in counts:
    state, report = compiled.call(state, jnp.int32(count), corpus)
  return state, jax.tree.map(np.asarray, report)


def log_of(state, seed=0):
  return np.asarray(state.memory['log'][seed])


def test_each_epoch_takes_every_row_once():
  state, _ = run(*toy(epochs=True), 20, [15])
  epochs = log_of(state)[:15].reshape(3, 20)
  for epoch in epochs:
    assert sorted(epoch) == list(range(20))
  assert len({tuple(epoch) for epoch in epochs}) == 3


def test_remaining_rows_are_used_in_the_next_epoch():
  state, _ = run(*toy(epochs=True), 22, [30])
  epochs = log_of(state)[:30].reshape(6, 20)
  assert all(len(set(epoch)) == 20 for epoch in epochs)
  # Every row is used eventually.
  assert set(epochs.ravel()) == set(range(22))


def test_an_epoch_of_updates_with_several_batches():
  init, phase = toy(epochs=True, batch=2, batches=3)
  assert batches.steps_per_epoch(phase, 18) == 3
  state, _ = run(init, phase, 18, [6])
  for epoch in log_of(state)[:6].reshape(2, 18):
    assert sorted(epoch) == list(range(18))


@pytest.mark.parametrize('epochs', [True, False])
def test_chunks_of_any_length_see_the_same_batches(epochs):
  whole, _ = run(*toy(epochs=epochs), 20, [14])
  parts, _ = run(*toy(epochs=epochs), 20, [3, 1, 7, 3])
  np.testing.assert_array_equal(log_of(whole), log_of(parts))
  assert (log_of(whole)[:14] >= 0).all() and (log_of(whole)[14:] < 0).all()


def test_epochs_count_from_the_start_of_the_phase():
  state, _ = run(*toy(epochs=True), 20, [10], start=7)
  for epoch in log_of(state)[7:17].reshape(2, 20):
    assert sorted(epoch) == list(range(20))


@pytest.mark.parametrize('epochs', [True, False])
def test_each_seed_has_its_own_batches(epochs):
  two, _ = run(*toy(epochs=epochs), 20, [5], seeds=2)
  assert (log_of(two, 0) != log_of(two, 1)).any()
  one, _ = run(*toy(epochs=epochs), 20, [5], seeds=1)
  np.testing.assert_array_equal(log_of(one), log_of(two, 0))
  other, _ = run(*toy(epochs=epochs), 20, [5], seed=1)
  assert (log_of(one) != log_of(other)).any()


def test_draws_with_replacement_cover_the_corpus():
  state, _ = run(*toy(epochs=False), 20, [STEPS])
  drawn = log_of(state)
  assert drawn.min() == 0 and drawn.max() == 19
  assert len(set(drawn.ravel())) == 20
  # 160 draws of 20 rows; permutations would give each row 8 times.
  assert len(set(np.bincount(drawn.ravel()))) > 1
  assert len({tuple(rows) for rows in drawn}) > STEPS // 2


def test_keys_differ_by_use_step_and_seed():
  seeds = jax.random.split(jax.random.key(0), 2)
  found = {
    tuple(np.asarray(jax.random.key_data(keys.use_key(key, step, use))))
    for key in seeds
    for step in range(5)
    for use in (keys.ORDER, keys.DRAW, keys.UPDATE, keys.EVALUATE)
  }
  assert len(found) == 2 * 5 * 4


def test_update_keys_differ_between_steps():
  draws = []
  init, phase = toy(epochs=False)
  for count in (1, 2, 3):
    report = run(init, phase, 20, [1] * count)[1]
    draws.append(loop.means(report, 1)['draw'][0])
  assert len(set(draws)) == 3


def test_metrics_are_means_over_the_chunk():
  def metrics(state):
    step = state.step.astype(jnp.float32)
    return {'step': step, 'mark': state.memory['mark']}

  init, phase = toy(epochs=False, metrics=metrics)
  state, report = run(init, phase, 20, [3, 5], seeds=2)
  means = loop.means(report, 5)
  np.testing.assert_allclose(means['step'], [5.0, 5.0])  # 3 .. 7
  np.testing.assert_allclose(means['mark'], state.memory['mark'], rtol=1e-6)
  np.testing.assert_allclose(report.values['step'][:, :5], [range(3, 8)] * 2)
  assert int(state.step) == 8


def test_the_first_value_that_is_not_finite_is_reported():
  def metrics(state):
    step, log = state.step, state.memory['log']
    # The first row of the log identifies the seed.
    late = 2 + (log[0, 0] % 2)
    return {
      'fine': jnp.float32(1),
      'loss': jnp.where(step >= late, jnp.nan, 1.0),
      'once': jnp.where(step == 3, jnp.inf, 1.0),
    }

  init, phase = toy(epochs=True, metrics=metrics)
  state, report = run(init, phase, 20, [1, 6], seeds=4)
  firsts = np.asarray(state.memory['log'][:, 0, 0])
  assert len(set(firsts % 2)) == 2, 'the toy needs seeds of both kinds'
  np.testing.assert_array_equal(report.bad['loss'], 2 + firsts % 2)
  np.testing.assert_array_equal(report.bad['once'], [3] * 4)
  np.testing.assert_array_equal(report.bad['fine'], [-1] * 4)


def test_a_compiled_chunk_refuses_other_shapes():
  init, phase = toy(epochs=False)
  state = loop.init_seeds(init, 0, 1)
  corpus = jnp.zeros((20, 3), jnp.int32)
  compiled = loop.compile_chunk(phase, 0, state, corpus)
  with pytest.raises(TypeError):
    compiled.call(state, jnp.int32(1), jnp.zeros((21, 3), jnp.int32))
  assert compiled.seconds > 0 and compiled.extra_bytes >= 0


def test_seeds_with_values_of_their_own():
  init, _ = toy(epochs=False)

  def phase_of(values):
    return toy(epochs=False, metrics=lambda _: values)[1]

  rates = jnp.array([0.5, 2.0])
  state = loop.init_seeds(init, 0, 2)
  corpus = jnp.zeros((20, 3), jnp.int32)
  compiled = loop.compile_chunk(
    phase_of({}), 0, state, corpus, {'rate': rates}, phase_of
  )
  _, report = compiled.call(state, jnp.int32(3), corpus)
  np.testing.assert_allclose(loop.means(report, 3)['rate'], rates)
  with pytest.raises(ValueError, match='require phase_of'):
    loop.compile_chunk(phase_of({}), 0, state, corpus, {'rate': rates})


def test_copies_of_the_seeds_have_the_keys_of_the_seeds():
  init, _ = toy(epochs=False)
  one, three = loop.init_seeds(init, 5, 2), loop.init_seeds(init, 5, 2, 3)
  np.testing.assert_array_equal(
    jax.random.key_data(three.key),
    np.tile(jax.random.key_data(one.key), (3, 1)),
  )
  np.testing.assert_array_equal(
    three.memory['mark'], np.tile(one.memory['mark'], 3)
  )


# --- cost ------------------------------------------------------------------

X, W, SQUARE = jnp.ones((3, 4)), jnp.ones((4, 5)), jnp.ones((3, 3))
PRODUCT = 2 * 3 * 4 * 5


def scanned(x, times=6):
  return jax.lax.scan(lambda c, _: (c @ x, None), x, None, times)[0]


def branch(flag):
  return jax.lax.cond(
    flag, lambda: (SQUARE @ SQUARE).sum(), lambda: scanned(SQUARE).sum()
  )


def loss(x, w):
  return jnp.tanh(x @ w).sum()


# Wide enough to be a product; see `ops.pooling`.
SENTENCES, KERNEL = jnp.ones((2, 5, 50)), jnp.ones((2, 50, 4))
# 4 positions of a window of 2 x 50 numbers, 4 filters, 2 sentences.
CONVOLUTION = 2 * (2 * 4) * (2 * 50) * 4


def pooled(x, kernel):
  return max_convolution(x, kernel).sum()


@pytest.mark.parametrize(
  ('function', 'args', 'expected'),
  [
    (lambda x: x + 1, (X,), 0),
    (jnp.matmul, (X, W), PRODUCT),
    (jnp.matmul, (jnp.ones((7, 3, 4)), jnp.ones((7, 4, 5))), 7 * PRODUCT),
    (jnp.dot, (jnp.ones(4), jnp.ones(4)), 2 * 4),
    (scanned, (SQUARE,), 6 * 54),
    (
      lambda x: jax.lax.scan(lambda c, _: (scanned(c), None), x, None, 5)[0],
      (SQUARE,),
      5 * 6 * 54,
    ),
    (branch, (True,), 6 * 54),
    (jax.jit(lambda x, w: jax.jit(jnp.matmul)(x, w) + x @ w), (X, W), 240),
    (jax.vmap(jnp.dot), (X, X), 3 * 2 * 4),
    (jax.grad(loss), (X, W), 2 * PRODUCT),
    (jax.grad(loss, (0, 1)), (X, W), 3 * PRODUCT),
    (
      lambda x: jax.lax.fori_loop(0, x.shape[0] + 0, lambda _, c: c @ x, x),
      (SQUARE,),
      3 * 54,
    ),
    (
      lambda n: jax.lax.fori_loop(0, n, lambda _, c: c @ SQUARE, SQUARE),
      (jnp.int32(9),),
      54,
    ),
    (pooled, (SENTENCES, KERNEL), CONVOLUTION),
    (jax.grad(pooled, (0, 1)), (SENTENCES, KERNEL), 3 * CONVOLUTION),
  ],
  ids=[
    'sum',
    'matmul',
    'batched',
    'dot',
    'scan',
    'nested-scan',
    'cond',
    'jit',
    'vmap',
    'grad',
    'grad-both',
    'fori-known',
    'fori-unknown',
    'convolution',
    'convolution-grad',
  ],
)
def test_flops_against_hand_counts(function, args, expected):
  assert operation_count.flops(function, *args) == expected


def test_flops_need_shapes_only():
  shapes = [jax.ShapeDtypeStruct(x.shape, x.dtype) for x in (X, W)]
  assert operation_count.flops(jnp.matmul, *shapes) == PRODUCT


@pytest.mark.parametrize('phase', ['pretrain', 'adversarial'])
def test_chunk_has_no_transfers_to_or_from_the_host(phase):
  """Neither transfers nor callbacks take place."""
  c = toys.settings('moegan', generator__cell='lstm', generator__hidden=3)
  c.generator.experts = 1
  c.discriminator.widths = (2,)
  c.mle.update(epochs=1, batch=4)
  c.adversarial.update(steps=3, batch=4, d_steps=2)
  corpus = jnp.ones((12, 5), jnp.int32)
  system = systems.build(c, systems.Spec(7, 5, 12))
  state = loop.init_seeds(system.init, 0, 2)
  compiled = loop.compile_chunk(system.phases[phase], 0, state, corpus)
  program = compiled.program.as_text()
  for word in ('callback', 'outfeed', 'infeed', 'recv', 'host_compute'):
    assert word not in program
  count = jnp.int32(3)
  with jax.transfer_guard('disallow'):
    _, report = compiled.call(state, count, corpus)
    jax.block_until_ready(report)
  # The guard detects transfers.
  with (
    jax.transfer_guard('disallow'),
    pytest.raises(jax.errors.JaxRuntimeError, match='transfer'),
  ):
    jax.jit(jnp.sin)(np.ones(3))
