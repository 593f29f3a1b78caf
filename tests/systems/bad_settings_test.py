"""Settings that no system can be built from."""

import pytest
import toys
from switches import SPEC, settings

from moegan_jax import config, systems
from moegan_jax.errors import UserError

RMC = {'generator__cell': 'rmc'}

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
  'discriminator__kind': 'forest',
  'discriminator__highway': 'open',
  'discriminator__representations': 3,
  'discriminator__dropout': 1.0,
  'discriminator__widths': (2, 6),
  'discriminator__init': 'zeros',
  'discriminator__filters': 0,
  'discriminator__features': -1,
  'generator__cell': 'neuron',
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
# Other settings without which a setting does not exist.
NEEDS = {
  'ccl__temperature': {'ccl__weight': 1.0},
  'ccl__reps': {'ccl__weight': 1.0},
  'ccl__updates': {'ccl__weight': 1.0},
  'generator__prior': {'generator__latent': 2},
  'generator__sharing': {'generator__experts': 2},
  'generator__aggregation': {'generator__experts': 2},
}
TOGETHER = {
  'soft after': {'game__feedback': 'soft', 'game__route': 'after'},
  'argmax of no noise': {'game__relaxation': 'soft_argmax'},
  'latent memory': {'generator__cell': 'rmc', 'generator__latent': 2},
  'sharing all': {'generator__sharing': 'all', 'generator__experts': 2},
  'minimax of another loss': {'game__form': 'minimax', 'game__loss': 'ls'},
}


@pytest.mark.parametrize('key', [*BAD, *BAD_RMC])
def test_bad_value_is_named_when_the_system_is_built(key):
  others = RMC if key in BAD_RMC else NEEDS.get(key, {})
  value = (BAD | BAD_RMC)[key]
  c = settings(**others, **{key: value})
  with pytest.raises(UserError) as raised:
    systems.build(c, SPEC)
  text = str(raised.value)
  assert '\n' not in text
  named = value if isinstance(value, str) else key.split('__')[1]
  assert str(named) in text


@pytest.mark.parametrize('name', TOGETHER)
def test_incompatible_switches_are_refused(name):
  changes = TOGETHER[name]
  c = settings(**changes)
  with pytest.raises(UserError) as raised:
    systems.build(c, SPEC)
  keys = [key.replace('__', '.') for key in changes]
  assert any(f'{key}=' in str(raised.value) for key in keys)


def test_absorbing_end_needs_a_pad_symbol():
  with pytest.raises(UserError, match=r'game\.end=absorbing has no effect'):
    systems.build(settings(game__end='absorbing'), SPEC._replace(pad=None))


@pytest.mark.parametrize('section', ['fsa', 'ccl'])
def test_system_has_only_sections_that_it_reads(section):
  c = config.as_system(settings(), 'relgan')
  systems.build(c, SPEC)
  with pytest.raises(UserError, match=f'{section}.weight for system=relgan'):
    config.override(c, {f'{section}.weight': 1.0})


@pytest.mark.parametrize(
  'changes',
  [{'generator__experts': 2}, {'fsa__weight': 1.0}, {'ccl__weight': 0.0}],
  ids=str,
)
def test_ccl_refuses_experts_alignment_and_zero_weight(changes):
  c = config.as_system(settings(ccl__weight=1.0), 'ccl')
  systems.build(c, SPEC)
  with pytest.raises(UserError, match='ccl'):
    systems.build(toys.change(c, **changes), SPEC)
