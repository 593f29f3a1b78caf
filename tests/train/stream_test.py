"""Streamed corpora: equal batches, bounded memory."""

import time

import jax.numpy as jnp
import numpy as np
import pytest
from command_line import call, flags
from trees import assert_identical, checkpoint

from moegan_jax.cli import train
from moegan_jax.train import loop, stream
from moegan_jax.types import Phase, Role, TrainState, Update

pytestmark = pytest.mark.usefixtures('quick_compilation')

N, T, B, BATCHES, SEEDS, STEPS, START = 23, 3, 2, 3, 2, 14, 5
TIMEOUT = 600  # seconds; only a reader that hangs takes as long
ONE = 4 * SEEDS * BATCHES * B * T  # bytes of an iteration


class OnDisk:
  """A corpus that may be read in part only."""

  shape, nbytes = (N, T), 4 * N * T

  def __init__(self):
    self.reads = 0

  def __len__(self):
    return N

  def __getitem__(self, rows):
    assert isinstance(rows, np.ndarray) and rows.size <= SEEDS * STEPS * 6
    self.reads += 1
    return TOKENS[rows]

  def __array__(self, *_, **__):
    raise AssertionError('the whole corpus was read')

  __jax_array__ = __array__


TOKENS = np.arange(N * T, dtype=np.int32).reshape(N, T)


def phase(epochs):
  """Returns a phase whose memory logs the batches of each iteration."""

  def apply(state, batch, key):
    del key
    log = state.memory['log'].at[state.step].set(batch.tokens)
    return state.replace(memory={'log': log}), {'sum': batch.tokens.sum() * 1.0}

  return Phase(
    STEPS,
    B,
    Update(BATCHES, apply),
    lambda state: state,
    epochs,
    Role.ADVERSARIAL,
    'toy',
  )


def initial():
  def init(key):
    log = jnp.full((START + STEPS, BATCHES, B, T), -1, jnp.int32)
    return TrainState(jnp.int32(START), key, {}, {'log': log})

  return loop.init_seeds(init, 0, SEEDS)


def run(feed, made, state, steps):
  """Returns the state after some iterations in chunks limited by blocks."""
  step = int(state.step)
  compiled = loop.compile_chunk(
    made, START, state, feed.at(step)[0], source=feed.source
  )
  end = step + steps
  while step < end:
    data, room = feed.at(step)
    count = min(room, end - step, 4)
    state, _ = compiled.call(state, jnp.int32(count), data)
    step += count
  feed.close()
  return state


def resident(made, state):
  return stream.Resident(TOKENS, made, START, state)


def streamed(made, state, iterations):
  return stream.Stream(
    OnDisk(), made, START, state, block_bytes=iterations * ONE
  )


@pytest.mark.parametrize('epochs', [True, False])
def test_streamed_batches_equal_resident_batches(epochs):
  made = phase(epochs)
  whole = run(resident(made, initial()), made, initial(), STEPS)
  log = np.asarray(whole.memory['log'])
  assert (log[:, START:] >= 0).all() and (log[:, :START] == -1).all()
  assert (log[0] != log[1]).any()
  for iterations in (1, 5, 100):
    state = run(streamed(made, initial(), iterations), made, initial(), STEPS)
    np.testing.assert_array_equal(state.memory['log'], log)
  # Stopped and resumed, in the middle of an epoch.
  for feed in (resident, lambda *of: streamed(*of, 5)):
    state = run(feed(made, initial()), made, initial(), 8)
    state = run(feed(made, state), made, state, STEPS - 8)
    np.testing.assert_array_equal(state.memory['log'], log)


def test_permutation_is_computed_once_per_epoch():
  made, steps = phase(True), []
  feed = resident(made, initial())
  orders = feed._orders

  def counted(keys, step):
    steps.append(int(step))
    return orders(keys, step)

  feed._orders = counted
  run(feed, made, initial(), STEPS)
  # An epoch has 23 // 6 = 3 iterations; chunks of 4 begin at 5, 9, 13 and 17.
  assert steps == [5, 9, 13, 17]
  steps.clear()
  for step in (START + 3, START + 4, START + 5):
    np.testing.assert_array_equal(
      feed.at(step)[0].order, orders(feed._keys, START + 3)
    )
  assert steps == [START + 3]


def test_next_block_is_prefetched():
  tokens = OnDisk()
  made = phase(True)
  feed = stream.Stream(tokens, made, START, initial(), block_bytes=5 * ONE)

  def reads(expected):
    until = time.monotonic() + TIMEOUT
    while tokens.reads < expected and time.monotonic() < until:
      time.sleep(0.01)
    return tokens.reads == expected

  feed.at(START)
  assert reads(2)
  first = feed.at(START)[0].tokens
  assert feed.at(START + 4)[0].tokens is first
  assert feed.at(START + 4)[1] == 1
  assert reads(2)
  feed.at(START + 5)  # is read already; the third and last block follows
  assert reads(3)
  feed.close()


def test_large_corpus_is_streamed_by_default():
  made, state = phase(True), initial()
  feed = stream.feed(TOKENS, made, START, state, None, False)
  assert isinstance(feed, stream.Resident)
  tokens = OnDisk()
  tokens.nbytes = stream.RESIDENT_BYTES + 1
  for corpus, asked in ((tokens, False), (TOKENS, True)):
    feed = stream.feed(corpus, made, START, state, None, asked)
    assert isinstance(feed, stream.Stream)
    feed.close()


@pytest.mark.usefixtures('own_cache')
def test_streamed_run_equals_resident_run(tmp_path):
  rng = np.random.RandomState(0)
  ids = rng.randint(1, 9, (120, 5)).astype(np.int32)
  ids[np.arange(5) >= rng.randint(1, 6, (120, 1))] = 0
  np.save(tmp_path / 'ids.npy', ids)
  settings = {
    'data.name': 'matrix',
    'data.path': tmp_path / 'ids.npy',
    'generator.hidden': 4,
    'generator.embed': 4,
    'mle.epochs': 2,
    'mle.batch': 8,
    'eval.samples': 20,
    'eval.final_samples': 20,
    'eval.chunk': 20,
    'eval.curve_samples': 0,
  }
  ends = []
  for asked in (False, True):
    workdir = tmp_path / f'run{asked}'
    code, out, err = call(
      train,
      '--config=mle:text',
      *flags(**settings),
      f'--config.data.stream={asked}',
      f'--workdir={workdir}',
    )
    assert code == 0, err
    assert 'memory-mapped' in out
    ends.append(checkpoint(workdir)[1].tree['players'])
  assert_identical(*ends)
