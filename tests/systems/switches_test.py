"""Every switch that changes the mathematics runs and changes what it should."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys

from moegan_jax import config, systems
from moegan_jax.errors import UserError
from moegan_jax.losses.adversarial import LOSSES
from moegan_jax.types import Batch

B, T, V = 4, 5, 7
SPEC = systems.Spec(V, T, 22, pad=0)
pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')


def tiers(names, fast):
  """Parameters of a test; all but the fast ones are for the slow tier."""
  return [
    name if name in fast else pytest.param(name, marks=pytest.mark.slow)
    for name in names
  ]


def settings(**changes):
  """A toy MoEGAN on LSTMs; section__key=value, applied in order."""
  small = {'generator__embed': 3, 'generator__hidden': 3}
  small |= {'generator__head_size': 2, 'generator__mlp_layers': 1}
  small |= {'discriminator__hidden': 3}
  c = toys.settings('moegan', generator__cell='lstm', generator__experts=1)
  c.mle.update(epochs=1, batch=B)
  c.adversarial.update(steps=2, batch=B, d_steps=1, g_lr=1e-2, d_lr=1e-2)
  c.game.update(beta=10.0, horizon=2)
  sized = small | changes
  changes = {key.replace('__', '.'): value for key, value in sized.items()}
  sizes = {key.replace('__', '.') for key in small}
  return config.override(c, changes, optional=sizes)


def freeze(changes):
  return tuple(sorted(changes.items()))


@functools.cache
def _initial(changes):
  """The state at the start, which only the players' settings matter to."""
  system = systems.build(settings(**dict(changes)), SPEC)
  return jax.jit(system.init)(jax.random.key(0))


def outcome(**changes):
  """Parameters after two adversarial steps, and the metrics of the second."""
  return _outcome(freeze(changes))


@functools.cache
def _outcome(changes):
  system = systems.build(settings(**dict(changes)), SPEC)
  phase = system.phases['adversarial']
  players = [c for c in changes if c[0].startswith(('gen', 'disc'))]
  state = phase.enter(_initial(tuple(players)))
  state = state.replace(step=jnp.int32(system.phases['pretrain'].steps))
  shape = (phase.update.batches, B, T)
  # Operation by operation: their machine code is the same for all switches,
  # whereas an update compiled as a whole takes several times as long.
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


def flat(tree):
  return np.concatenate([x.ravel() for x in jax.tree.leaves(tree)])


def moved(one, two, player='generator'):
  """The largest difference of two outcomes' parameters of a player."""
  return abs(flat(one[0][player]) - flat(two[0][player])).max()


def differs(one, two):
  """Another outcome: the parameters of G differ beyond rounding."""
  return moved(one, two) > 1e-5


# Switches of the game: (changes, what they are compared with).
WIDE = {'discriminator__representations': 2}
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


FAST_GAME = {
  'straight_through',
  'minimax',
  'no fsa',
  'top_k',
}


@pytest.mark.parametrize('name', tiers(GAME, FAST_GAME))
def test_a_switch_of_the_game_changes_the_outcome(name):
  changes, base = GAME[name]
  one = outcome(**changes)
  if base is not None:
    assert differs(one, outcome(**base))


@pytest.mark.parametrize('loss', tiers(LOSSES, {'rsgan', 'wgan-gp'}))
def test_every_loss_plays(loss):
  result = outcome(game__loss=loss)
  _, metrics = result
  assert ('d_penalty' in metrics) == (loss == 'wgan-gp')
  assert {'d_loss', 'g_loss', 'fsa', 'beta'} <= metrics.keys()
  if loss != 'rsgan':
    assert differs(result, outcome())
    assert metrics['d_loss'] != outcome()[1]['d_loss']
    assert metrics['g_loss'] != outcome()[1]['g_loss']


@pytest.mark.slow
def test_the_default_penalty_is_the_loss_s_own():
  default = outcome(game__loss='wgan-gp')
  own = LOSSES['wgan-gp'].penalty
  given = outcome(game__loss='wgan-gp', game__penalty=own)
  assert moved(default, given, 'discriminator') == 0
  without = outcome(game__loss='wgan-gp', game__penalty=0.0)
  assert 'd_penalty' not in without[1]
  # Any loss can be given one.
  assert 'd_penalty' in outcome(game__penalty=1.0)[1]


@pytest.mark.parametrize(
  'relaxation',
  tiers(['gumbel_softmax', 'straight_through'], {'gumbel_softmax'}),
)
def test_replay_is_the_gradient_of_the_scan(relaxation):
  scan = outcome(game__relaxation=relaxation)
  replay = outcome(game__relaxation=relaxation, game__route='replay')
  for player in ('generator', 'discriminator'):
    assert moved(scan, replay, player) < 1e-5
  # Gradients that agree to rounding still differ in their bits or not at all;
  # what must not agree is another relaxation.
  assert differs(scan, outcome(game__feedback='soft'))


@pytest.mark.slow
def test_unrolling_the_scan_changes_nothing_but_rounding():
  unrolled, plain = outcome(unroll=T), outcome()
  assert moved(unrolled, plain) < 1e-5
  assert moved(unrolled, plain, 'discriminator') < 1e-5


def test_metrics_say_what_is_played():
  assert 'fsa' in outcome()[1]
  assert not {'ccl', 'd_ccl', 'd_penalty'} & outcome()[1].keys()
  assert 'fsa' not in outcome(fsa__weight=0.0)[1]
  contrast = outcome(**CONTRAST)[1]
  assert 'ccl' in contrast and 'd_ccl' not in contrast
  assert 'd_ccl' in outcome(**CONTRAST, ccl__updates='both')[1]


def test_beta_follows_its_schedule_from_the_start_of_the_phase():
  # The second update: one has been done, of a horizon of two.
  np.testing.assert_allclose(outcome()[1]['beta'], 10**0.5, rtol=1e-5)
  constant = outcome(game__schedule='constant')
  np.testing.assert_allclose(constant[1]['beta'], 10.0, rtol=1e-6)


@pytest.mark.slow
def test_joint_and_per_rep_agree_on_one_representation():
  one = outcome(fsa__reduce='per_rep')
  assert moved(one, outcome()) < 1e-5


def test_ccl_for_both_reaches_the_discriminator():
  both = outcome(**CONTRAST, ccl__updates='both')
  assert moved(both, outcome(**CONTRAST), 'discriminator') > 1e-5


@pytest.mark.slow
def test_the_anchor_is_the_likelihood():
  one = outcome(adversarial__anchor=1.0)[1]
  assert 'nll' in one and 'nll' not in outcome()[1]
  # Now and then: the first of two iterations only, or none of them.
  first = outcome(adversarial__mle_every=5)
  assert differs(first, outcome(adversarial__mle_every=1))


@pytest.mark.slow
def test_highway_gates():
  """'tied' has one map with bias where 'separate' has two without."""
  separate = outcome()[0]['discriminator']['body']
  tied = outcome(discriminator__highway='tied')[0]['discriminator']['body']
  assert 'highway_gate' in separate and 'highway_gate' not in tied
  assert 'bias' in tied['highway'] and 'bias' not in separate['highway']


# --- the generator ---------------------------------------------------------

RMC = {'generator__cell': 'rmc'}
PAIR = {'generator__experts': 2}
LATENT = {'generator__latent': 2}
GENERATOR = {
  'experts': (PAIR, {}),
  'mgan': (PAIR | {'generator__sharing': 'mgan'}, PAIR),
  'none': (PAIR | {'generator__sharing': 'none'}, PAIR),
  'prob_mean': (PAIR | {'generator__aggregation': 'prob_mean'}, PAIR),
  'init seqgan': ({'generator__init': 'seqgan'}, {}),
  'init textgan': ({'generator__init': 'textgan'}, {}),
  'init uniform': ({'generator__init': 'uniform'}, {}),
  'init standard': ({'generator__init': 'standard'}, {}),
  'gru': ({'generator__cell': 'gru'}, {}),
  'latent': (LATENT, {}),
  'uniform prior': (LATENT | {'generator__prior': 'uniform'}, LATENT),
  'rmc': (RMC, {}),
  'slots': (RMC | {'generator__slots': 2}, RMC),
  'relgan': (RMC | {'generator__flavour': 'relgan'}, RMC),
  'textgan': (RMC | {'generator__flavour': 'textgan'}, RMC),
  'gate memory': (RMC | {'generator__gate': 'memory'}, RMC),
  'gate none': (RMC | {'generator__gate': 'none'}, RMC),
  'blocks': (RMC | {'generator__blocks': 2}, RMC),
  'mlp_layers': (RMC | {'generator__mlp_layers': 2}, RMC),
  'key_size': (RMC | {'generator__key_size': 3}, RMC),
  'forget_bias': (RMC | {'generator__forget_bias': 0.0}, RMC),
  'input_bias': (RMC | {'generator__input_bias': 1.0}, RMC),
}
TOKENS = np.random.RandomState(0).randint(0, V, (B, T)).astype(np.int32)


@functools.cache
def _learned(changes):
  """Logits of given text before and after two steps of likelihood."""
  system = systems.build(settings(**dict(changes)), SPEC)
  update = system.phases['pretrain'].update

  @jax.jit
  def run(key):
    state = system.init(key)
    tokens = jnp.asarray(TOKENS)
    before = system.logits(state, tokens)

    def body(state, _):
      # Likelihood draws nothing; any key will do.
      return update.apply(state, Batch(tokens[None]), jax.random.key(0))

    state, metrics = jax.lax.scan(body, state, None, 2)
    return before, system.logits(state, tokens), metrics['nll']

  return jax.tree.map(np.asarray, run(jax.random.key(0)))


@pytest.mark.parametrize('name', tiers(GENERATOR, {'uniform prior'}))
def test_a_switch_of_the_generator_changes_its_logits(name):
  changes, base = GENERATOR[name]
  before, after, nll = _learned(freeze(changes))
  assert np.isfinite(after).all() and nll[1] < nll[0]
  assert before.shape == (B, T, V)
  other, _, _ = _learned(freeze(base))
  assert abs(before - other).max() > 1e-5


# --- bad values ------------------------------------------------------------

BAD = {
  'game__loss': 'wgan',
  'game__form': 'max',
  'game__reduce': 'sum',
  'game__schedule': 'linear',
  'game__beta': 0.0,
  'game__horizon': 1,
  'game__relaxation': 'reinforce',
  'game__feedback': 'none',
  'game__route': 'rollout',
  'fsa__reduce': 'sum',
  'fsa__dropout': 'on',
  'fsa__weight': -1.0,
  'ccl__temperature': 0.0,
  'ccl__weight': -1.0,
  'ccl__reps': 'mean',
  'ccl__updates': 'discriminator',
  'fsa__distance': 'mmd',
  'game__weight': -1.0,
  'game__top_k': -1,
  'game__top_p': 0.0,
  'game__end': 'never',
  'discriminator__kind': 'transformer',
  'discriminator__highway': 'open',
  'discriminator__representations': 3,
  'discriminator__dropout': 1.0,
  'discriminator__widths': (2, 6),
  'discriminator__init': 'zeros',
  'discriminator__filters': 0,
  'discriminator__features': -1,
  'generator__cell': 'mogrifier',
  'generator__latent': -1,
  'generator__prior': 'cauchy',
  'generator__end_input': 'one',
  'generator__embed': 0,
  'generator__hidden': 0,
  'generator__init': 'zeros',
  'generator__experts': 0,
  'generator__sharing': 'some',
  'generator__aggregation': 'max',
  'mle__batch': 23,
  'adversarial__batch': 0,
}
BAD_RMC = {
  'generator__slots': 0,
  'generator__heads': 0,
  'generator__head_size': 0,
  'generator__key_size': -1,
  'generator__blocks': 0,
  'generator__mlp_layers': 0,
  'generator__gate': 'open',
  'generator__flavour': 'vanilla',
}
TOGETHER = {
  'soft replay': {'game__feedback': 'soft', 'game__route': 'replay'},
  'argmax of no noise': {'game__relaxation': 'soft_argmax'},
  'latent memory': {'generator__cell': 'rmc', 'generator__latent': 2},
  'sharing all': {'generator__sharing': 'all', 'generator__experts': 2},
  'minimax of another loss': {'game__form': 'minimax', 'game__loss': 'ls'},
}


@pytest.mark.parametrize('key', [*BAD, *BAD_RMC])
def test_a_bad_value_is_named_when_the_system_is_built(key):
  rmc = RMC if key in BAD_RMC else {}
  value = (BAD | BAD_RMC)[key]
  c = settings(**rmc, **{key: value})
  with pytest.raises(UserError) as raised:
    systems.build(c, SPEC)
  text = str(raised.value)
  assert '\n' not in text
  named = value if isinstance(value, str) else key.split('__')[1]
  words = {'beta': 'inverse temperature'}
  assert words.get(named, str(named)) in text


@pytest.mark.parametrize('name', TOGETHER)
def test_switches_that_do_not_go_together(name):
  with pytest.raises(UserError):
    systems.build(settings(**TOGETHER[name]), SPEC)


def test_sequences_of_one_length_have_no_end():
  with pytest.raises(UserError, match=r'game\.end=absorbing has no effect'):
    systems.build(settings(game__end='absorbing'), SPEC._replace(pad=None))


@pytest.mark.parametrize('section', ['fsa', 'ccl'])
def test_a_system_has_no_section_that_it_does_not_read(section):
  c = config.as_system(settings(), 'relgan')
  systems.build(c, SPEC)
  with pytest.raises(UserError, match=f'{section}.weight for system=relgan'):
    config.override(c, {f'{section}.weight': 1.0})


@pytest.mark.parametrize(
  'changes',
  [{'generator__experts': 2}, {'fsa__weight': 1.0}, {'ccl__weight': 0.0}],
  ids=str,
)
def test_ccl_has_one_expert_a_contrast_and_no_alignment(changes):
  c = config.as_system(settings(ccl__weight=1.0), 'ccl')
  systems.build(c, SPEC)
  with pytest.raises(UserError, match='ccl'):
    systems.build(toys.change(c, **changes), SPEC)
