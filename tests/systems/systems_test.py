"""Properties of training and sampling that every registered system has."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from compiled_systems import (
  CONDITIONAL,
  LABELS,
  MEMORY,
  SEED,
  SEEDS,
  SPEC,
  TRAIN_SIZE,
  T,
  V,
  corpus,
  functions,
  member,
  spec,
  tiny,
  toy,
  trained,
  types,
)
from trees import arrays, assert_identical

from moegan_jax import decode, exported, sampler, systems
from moegan_jax.errors import UserError
from moegan_jax.ops import random
from moegan_jax.store.checkpoint import Store
from moegan_jax.train import batches, loop
from moegan_jax.types import Role

pytestmark = pytest.mark.usefixtures('quick_compilation')
MANY = TRAIN_SIZE  # rows of a sample
# Parameters without a gradient: a relativistic loss subtracts logits, so that
# constants cancel.
NO_EFFECT = {f"['body']['{name}']['bias']" for name in ('features', 'logit')}
# Systems whose discriminator has features and no logits.
FEATURES_ONLY = ('fmgan', 'rankgan', 'sal')
# Systems whose generator reads features of the discriminator.
READS_FEATURES = ('leakgan',)
# The other systems consist of the same parts. Their tests are marked slow.
FAST = ('mle', 'moegan', 'slgan', CONDITIONAL)


def each_system(fast):
  """Parametrizes a test by system; all but the fast ones are marked slow."""
  return pytest.mark.parametrize(
    'name',
    toys.tiers((*systems.SYSTEMS, MEMORY, CONDITIONAL), fast),
  )


every_system = each_system(FAST)


def trained_by(made, phase_name):
  """Returns the names of the players that a phase trains."""
  players, role = set(made.initial.players), made.system.phases[phase_name].role
  if role == Role.LIKELIHOOD:
    # A likelihood phase may also train a player that the generator reads.
    return {*(made.system.phases[phase_name].parts or ('generator',))}
  return players - {'generator'} if role == Role.DISCRIMINATOR else players


@every_system
def test_each_phase_updates_its_players(name):
  made = toy(name)
  for phase_name, entered in made.entered.items():
    state, report = made.run(phase_name, entered, 2)
    assert {*report.values, 'state'} == {*report.bad} and report.values
    for key, value in loop.means(report, 2).items():
      assert value.shape == (SEEDS,), key
      assert np.isfinite(value).all(), key
      assert (np.asarray(report.bad[key]) == -1).all(), key
    assert int(state.step) == int(entered.step) + 2
    assert_identical(state.key, entered.key)

    moving = trained_by(made, phase_name)
    for player, before in entered.players.items():
      after = state.players[player]
      if player not in moving:
        assert_identical(before, after)
        continue
      a, b = arrays(before.params), arrays(after.params)
      for seed in range(SEEDS):
        still = {x for x in a if (a[x][seed] == b[x][seed]).all()}
        allowed = NO_EFFECT if player == 'discriminator' else set()
        assert still <= allowed, (phase_name, player, seed)


@every_system
def test_update_keeps_the_types_of_the_state(name):
  made = toy(name)
  for phase_name, entered in made.entered.items():
    assert types(entered) == types(made.initial), phase_name
    state, _ = made.run(phase_name, entered, 1)
    assert types(state) == types(made.initial), phase_name
    for x in jax.tree.leaves(entered.players):
      assert x.dtype in (jnp.float32, jnp.int32)


@every_system
def test_each_phase_is_traced_once(name):
  made = toy(name)
  for phase_name, entered in made.entered.items():
    made.run(phase_name, entered, 1, 3, 2)
    # One trace for the shapes of the metrics and one for the loop. A carry that
    # changes its type would need a third.
    assert made.traces[phase_name] == 2, phase_name


@every_system
def test_optimizers_are_reset_at_each_phase(name):
  made = toy(name)
  for phase_name, entered in made.entered.items():
    for player in trained_by(made, phase_name):
      for path, x in arrays(entered.players[player].opt_state).items():
        assert not x.any(), (phase_name, player, path)


@every_system
def test_chunk_length_does_not_change_the_state(name):
  made = toy(name)
  for phase_name, entered in made.entered.items():
    whole, _ = made.run(phase_name, entered, 4)
    assert_identical(whole, made.run(phase_name, entered, 1, 1, 1, 1)[0])
    assert_identical(whole, made.run(phase_name, entered, 3, 1)[0])


@every_system
def test_resumed_run_is_identical_to_unbroken_run(name, tmp_path):
  made = toy(name)
  for phase_name, entered in made.entered.items():
    unbroken, _ = made.run(phase_name, entered, 7)
    # Three steps end within an epoch and within the adversarial phase.
    state, _ = made.run(phase_name, entered, 3)
    step = int(state.step)
    Store(tmp_path).save('last', step, state, {})
    shapes = jax.eval_shape(
      lambda: loop.init_seeds(made.system.init, SEED, SEEDS)
    )
    saved = Store(tmp_path).restore('last', shapes, step)
    assert_identical(saved.tree, state)
    assert types(saved.tree) == types(made.initial)
    resumed, _ = made.run(phase_name, saved.tree, 4)
    assert_identical(resumed, unbroken)


# Compiles each system twice more. `sweep_test` compares parallel and separate
# experiments of MoEGAN.
@each_system(fast=('mle',))
def test_seeds_in_parallel_equal_separate_runs(name):
  made = toy(name)
  last = list(made.system.phases)[-1]
  phase, entered = made.system.phases[last], made.entered[last]
  # Functions of one seed, without a map over seeds.
  init = jax.jit(made.system.init)
  source = batches.resident(phase, made.starts[last], TRAIN_SIZE)
  chunk = jax.jit(loop.make_chunk(phase, source))
  both, _ = made.run(last, entered, 4)
  answers = []
  for i in range(SEEDS):
    fresh = init(jax.random.fold_in(jax.random.key(SEED), i))
    expected = arrays(member(made.initial, i))
    for path, x in arrays(fresh).items():
      np.testing.assert_allclose(x, expected[path], rtol=1e-6, err_msg=path)
    alone, _ = chunk(member(entered, i), jnp.int32(4), made.corpus)
    # Batches, noise and masks are identical, but sums over a mapped axis have
    # another order. Parameters are not compared: Adam turns gradients that are
    # zero up to rounding (the bias of an attention's keys or of a relativistic
    # logit) into full steps.
    for one, other in zip(
      made.answers(alone), made.answers(member(both, i)), strict=True
    ):
      np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    answers.append(made.answers(alone)[0])
  assert (answers[0] != answers[1]).any()


@every_system
def test_sample_row_depends_on_key_and_row_number_only(name):
  sample, _ = functions(name)
  many = sample(0, MANY)
  assert many.shape == (MANY, T) and many.dtype == np.int32
  assert many.min() >= 0 and many.max() < V
  np.testing.assert_array_equal(many[:7], sample(0, 7))
  np.testing.assert_array_equal(many[12:19], sample(0, 7, first=12))
  assert (many[:7] != many[12:19]).any()
  assert (many != sample(1, MANY)).any()


@every_system
def test_exported_program_gives_the_same_samples(name):
  """Exports the sampling program for any batch size, and its weights."""
  sample, _ = functions(name)
  classes = toy(name).system.classes
  program, weights = exported.lower(
    sampler.program_of(toy(name).system), trained(name), T, bool(classes)
  )
  own = 'players/generator/params/'
  read = trained(name).players['generator'].params
  assert sum(w.startswith(own) for w in weights) == len(jax.tree.leaves(read))
  others = [w for w in weights if not w.startswith(own)]
  assert bool(others) == (name in READS_FEATURES)
  for path in others:
    assert path.startswith('players/discriminator/params/'), path
    assert 'logit' not in path
  key = jax.random.key_data(jax.random.key(0))
  free = np.full((7, T), sampler.FREE, np.int32)
  settings = [np.float32(0.7), np.int32(0), np.float32(1)]
  given = {}
  if classes:
    settings.append(np.full(7, sampler.IN_TURN, np.int32))
    given = {'labels': (12 + np.arange(7, dtype=np.int32)) % classes}
  tokens = program.call(weights, key, np.int32(12), free, *settings)
  np.testing.assert_array_equal(tokens, sample(0, 7, 0.7, first=12, **given))


@every_system
def test_logits_reproduce_the_sample(name):
  sample, logits = functions(name)
  n, temperature = MANY, 0.7
  # A sample of the mixture of classes is drawn from the logits of its class.
  given = {'labels': LABELS} if toy(name).system.classes else {}
  tokens = sample(0, n, temperature, **given)
  values = logits(tokens, temperature, **given)
  assert values.shape == (n, T, V)
  if toy(name).system.draws:
    # The mean over latent noise is a distribution, but not that of a row.
    total = jax.nn.logsumexp(values, axis=-1)
    np.testing.assert_allclose(total, 0, atol=1e-5)
  else:
    np.testing.assert_allclose(
      values, logits(tokens, **given) / temperature, rtol=1e-5, atol=1e-6
    )
    noise = decode.noise(random.row_keys(jax.random.key(0), n), T, V)
    np.testing.assert_array_equal((values + noise).argmax(-1), tokens)
  # Logits do not depend on later words.
  other = tokens.copy()
  other[:, 3] = (other[:, 3] + 1) % V
  changed = logits(other, temperature, **given) != values
  assert not changed[:, :4].any() and changed[:, 4].any()


@every_system
def test_sample_frequencies_match_the_probabilities_of_the_logits(name):
  sample, logits = functions(name)
  tokens = np.concatenate([sample(s, MANY) for s in range(100)])
  p = np.asarray(jax.nn.softmax(logits(tokens[:MANY])[0, 0]))
  n = len(tokens)
  found = np.bincount(tokens[:, 0], minlength=V) / n
  # The tolerance is four standard deviations; the key is fixed.
  assert (abs(found - p) < 4 * np.sqrt(p * (1 - p) / n)).all()
  cold = sample(0, MANY, 0.0001)
  assert len({tuple(row) for row in cold}) < len(
    {tuple(row) for row in tokens[:MANY]}
  )


@every_system
def test_discriminator_scores_each_sentence_separately(name):
  system, state = toy(name).system, trained(name)
  assert (system.critique is None) == ('discriminator' not in state.players)
  if system.critique is None:
    return
  tokens = corpus()
  judge = toy(name).judgements
  assert len(judge(state, tokens)) == (1 if name in FEATURES_ONLY else 2)
  for values, back in zip(judge(state, tokens), judge(state, tokens[::-1])):
    assert len(values) == TRAIN_SIZE and np.isfinite(values).all()
    assert len(set(values.ravel().tolist())) > 1
    # The score of a sentence depends on no other sentence and on no dropout.
    np.testing.assert_allclose(back[::-1], values, rtol=1e-5, atol=1e-7)


def test_an_unknown_system_is_named_with_the_nearest_one():
  c = toys.settings('moegan')
  c.system = 'moegans'
  with pytest.raises(UserError, match=r"moegans.*mean 'moegan'"):
    systems.build(c, SPEC)


@pytest.mark.parametrize('name', sorted({*systems.SYSTEMS} - {'mle'}))
def test_steps_lengthen_the_last_phase_only(name):
  """A finished run may be resumed with more of them."""
  config = tiny(name)
  before = systems.build(config, spec(name)).phases
  config.adversarial.steps += 3
  after = systems.build(config, spec(name)).phases
  *first, last = before
  assert [*after] == [*before]
  for phase in first:
    assert after[phase].steps == before[phase].steps
  assert after[last].steps == before[last].steps + 3


def test_label_names_the_counter_contrastive_loss():
  assert systems.build(tiny('moegan'), SPEC).label == ''
  config = toys.change(tiny('moegan'), ccl__weight=1.0)
  assert systems.build(config, SPEC).label == 'moegan + ccl'
