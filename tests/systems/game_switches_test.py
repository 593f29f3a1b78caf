"""Every switch of the adversarial phase changes the parameters it should."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from switches import SPEC, B, T, V, freeze, settings
from toys import tiers

from moegan_jax import systems
from moegan_jax.losses.adversarial import LOSSES
from moegan_jax.types import Batch

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')


@functools.cache
def _initial(changes):
  """Returns the initial state, which depends on the players' settings only."""
  system = systems.build(settings(**dict(changes)), SPEC)
  return jax.jit(system.init)(jax.random.key(0))


def outcome(**changes):
  """Returns parameters after two adversarial steps, and the last metrics."""
  plain = settings().to_dict()
  for key in list(changes):
    section, _, name = key.partition('__')
    known = plain.get(section, {})
    if (known.get(name) if name else known) == changes[key]:
      del changes[key]  # the default, whose outcome is computed once
  return _outcome(freeze(changes))


@functools.cache
def _outcome(changes):
  system = systems.build(settings(**dict(changes)), SPEC)
  phase = system.phases['adversarial']
  players = [c for c in changes if c[0].startswith(('gen', 'disc'))]
  state = phase.enter(_initial(tuple(players)))
  state = state.replace(step=jnp.int32(system.phases['pretrain'].steps))
  shape = (phase.update.batches, B, T)
  # Single operations are compiled once for all switches. Compiling each update
  # as a whole takes several times as long.
  with jax.disable_jit():
    for i in range(2):
      data, key = jax.random.split(jax.random.key(i))
      tokens = jax.random.randint(data, shape, 0, V)
      state, metrics = phase.update.apply(state, Batch(tokens), key)
      state = state.replace(step=state.step + 1)
  params = {name: p.params for name, p in state.players.items()}
  params, metrics = jax.tree.map(np.asarray, (params, metrics))
  for leaf in jax.tree.leaves((params, metrics)):
    assert np.isfinite(leaf).all()
  return params, metrics


def metric_names(**changes):
  """Returns the names of the metrics of an iteration, which is only traced."""
  system = systems.build(settings(**changes), SPEC)
  phase = system.phases['adversarial']
  tokens = jnp.zeros((phase.update.batches, B, T), jnp.int32)

  def metrics(key):
    state = phase.enter(system.init(key))
    return phase.update.apply(state, Batch(tokens), key)[1]

  return jax.eval_shape(metrics, jax.random.key(0)).keys()


def flat(tree):
  return np.concatenate([x.ravel() for x in jax.tree.leaves(tree)])


def moved(one, two, player='generator'):
  """Returns the largest difference of a player's parameters."""
  return abs(flat(one[0][player]) - flat(two[0][player])).max()


def differs(one, two):
  """Returns whether the generator's parameters differ beyond rounding."""
  return moved(one, two) > 1e-5


# Switch -> (changes, changes to compare with; None: other shapes).
WIDE = {'discriminator__representations': 2}
TRANSFORMER = {'discriminator__kind': 'transformer'}
CONTRAST = {'ccl__weight': 1.0}

GAME = {
  'straight_through': ({'game__relaxation': 'straight_through'}, {}),
  'soft feedback': ({'game__feedback': 'soft'}, {}),
  'minimax': ({'game__form': 'minimax'}, {}),
  'schedule': ({'game__schedule': 'constant'}, {}),
  'beta': ({'game__beta': 2.0}, {}),
  'horizon': ({'game__horizon': 20}, {}),
  'weight': ({'game__weight': 0.0}, {}),
  'no fsa': ({'fsa__weight': 0.0}, {}),
  'fsa weight': ({'fsa__weight': 2.0}, {}),
  'fsa dropout': ({'fsa__dropout': 'off'}, {}),
  'fsa per_rep': (WIDE | {'fsa__reduce': 'per_rep'}, WIDE),
  'fsa wasserstein': ({'fsa__distance': 'wasserstein'}, {}),
  'absorbing end': ({'game__end': 'absorbing'}, {}),
  'learned end': ({'generator__end_input': 'learned'}, {}),
  'top_k': ({'game__top_k': 2}, {}),
  'top_p': ({'game__top_p': 0.5}, {}),
  'anchor': ({'adversarial__anchor': 1.0}, {}),
  'mle_every': ({'adversarial__mle_every': 1}, {}),
  'recurrent': ({'discriminator__kind': 'recurrent'}, None),
  'per_token': (
    {'discriminator__kind': 'recurrent', 'discriminator__per_token': True},
    {'discriminator__kind': 'recurrent'},
  ),
  'gru critic': (
    {'discriminator__kind': 'recurrent', 'discriminator__cell': 'gru'},
    None,
  ),
  'transformer': (TRANSFORMER, None),
  'layers': (TRANSFORMER | {'discriminator__layers': 3}, TRANSFORMER),
  'heads': (TRANSFORMER | {'discriminator__heads': 2}, TRANSFORMER),
  'mean features': (TRANSFORMER | {'discriminator__features': 0}, TRANSFORMER),
  'no highway': ({'discriminator__highway': 'none'}, None),
  'pooled features': ({'discriminator__features': 0}, None),
  'reduce mean': (
    WIDE | {'game__loss': 'ls', 'game__reduce': 'mean'},
    WIDE | {'game__loss': 'ls'},
  ),
  'penalty': (
    {'game__loss': 'wgan-gp', 'game__penalty': 1.0},
    {'game__loss': 'wgan-gp'},
  ),
  'tied highway': ({'discriminator__highway': 'tied'}, None),
  'dropout': ({'discriminator__dropout': 0.0}, {}),
  'ccl': (CONTRAST, {}),
  'ccl temperature': (CONTRAST | {'ccl__temperature': 0.1}, CONTRAST),
  'ccl both': (CONTRAST | {'ccl__updates': 'both'}, CONTRAST),
  'ccl resample': (CONTRAST | {'ccl__resample': False}, CONTRAST),
  'ccl per_rep': (CONTRAST | WIDE | {'ccl__reps': 'per_rep'}, CONTRAST | WIDE),
  'g_steps': ({'adversarial__g_steps': 2}, {}),
  'clip': ({'adversarial__clip': 1e-8}, {}),
}

FAST_GAME = {'straight_through', 'no fsa'}


@pytest.mark.parametrize('name', tiers(GAME, FAST_GAME))
def test_game_switch_changes_the_generator(name):
  changes, base = GAME[name]
  one = outcome(**changes)
  if base is not None:
    assert differs(one, outcome(**base))


@pytest.mark.parametrize('loss', tiers(LOSSES, {'rsgan', 'wgan-gp'}))
def test_every_loss_trains_both_players(loss):
  result = outcome(game__loss=loss)
  _, metrics = result
  assert ('d_penalty' in metrics) == (loss == 'wgan-gp')
  assert {'d_loss', 'g_loss', 'fsa', 'beta'} <= metrics.keys()
  if loss != 'rsgan':
    assert differs(result, outcome())
    assert metrics['d_loss'] != outcome()[1]['d_loss']
    assert metrics['g_loss'] != outcome()[1]['g_loss']


@pytest.mark.slow
def test_default_penalty_belongs_to_the_loss():
  default = outcome(game__loss='wgan-gp')
  own = LOSSES['wgan-gp'].penalty
  given = outcome(game__loss='wgan-gp', game__penalty=own)
  assert moved(default, given, 'discriminator') == 0
  without = outcome(game__loss='wgan-gp', game__penalty=0.0)
  assert 'd_penalty' not in without[1]
  assert 'd_penalty' in outcome(game__penalty=1.0)[1]


RELAXATIONS = ('gumbel_softmax', 'straight_through')


@pytest.mark.parametrize('relaxation', tiers(RELAXATIONS, {'gumbel_softmax'}))
def test_relaxing_after_the_scan_equals_the_scan(relaxation):
  scan = outcome(game__relaxation=relaxation)
  after = outcome(game__relaxation=relaxation, game__route='after')
  for player in ('generator', 'discriminator'):
    assert moved(scan, after, player) < 1e-5
  # The tolerance does not hide another relaxation.
  (other,) = set(RELAXATIONS) - {relaxation}
  assert differs(scan, outcome(game__relaxation=other))


@pytest.mark.slow
def test_unrolled_scan_equals_the_scan_up_to_rounding():
  unrolled, plain = outcome(unroll=T), outcome()
  assert moved(unrolled, plain) < 1e-5
  assert moved(unrolled, plain, 'discriminator') < 1e-5


def test_metrics_match_the_enabled_terms():
  assert 'fsa' in metric_names()
  assert not {'ccl', 'd_ccl', 'd_penalty'} & metric_names()
  assert 'fsa' not in metric_names(fsa__weight=0.0)
  contrast = metric_names(**CONTRAST)
  assert 'ccl' in contrast and 'd_ccl' not in contrast
  assert 'd_ccl' in metric_names(**CONTRAST, ccl__updates='both')


def test_beta_follows_its_schedule_from_the_start_of_the_phase():
  # The second of two updates; the exponent is (updates done) / horizon.
  np.testing.assert_allclose(outcome()[1]['beta'], 10**0.5, rtol=1e-5)
  constant = outcome(game__schedule='constant')
  np.testing.assert_allclose(constant[1]['beta'], 10.0, rtol=1e-6)


@pytest.mark.slow
def test_joint_and_per_rep_agree_on_one_representation():
  one = outcome(fsa__reduce='per_rep')
  assert moved(one, outcome()) < 1e-5


@pytest.mark.slow
def test_ccl_for_both_reaches_the_discriminator():
  both = outcome(**CONTRAST, ccl__updates='both')
  assert moved(both, outcome(**CONTRAST), 'discriminator') > 1e-5


@pytest.mark.slow
def test_anchor_adds_the_likelihood():
  one = outcome(adversarial__anchor=1.0)[1]
  assert 'nll' in one and 'nll' not in outcome()[1]
  # The likelihood update takes place in the first iteration only, or in both.
  first = outcome(adversarial__mle_every=5)
  assert differs(first, outcome(adversarial__mle_every=1))


@pytest.mark.slow
def test_highway_gates():
  """'tied' has one map with a bias; 'separate' has two without."""
  separate = outcome()[0]['discriminator']['body']
  tied = outcome(discriminator__highway='tied')[0]['discriminator']['body']
  assert 'highway_gate' in separate and 'highway_gate' not in tied
  assert 'bias' in tied['highway'] and 'bias' not in separate['highway']
