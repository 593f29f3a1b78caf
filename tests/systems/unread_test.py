"""Settings that a system reads change its program; the others do not."""

import jax
import jax.numpy as jnp
import pytest

from configs import common, papers
from moegan_jax import systems
from moegan_jax.errors import UserError
from moegan_jax.experiment.unread import check_read, is_unread
from moegan_jax.files import flatten
from moegan_jax.types import Batch

B, T, V = 4, 5, 7
SPEC = systems.Spec(V, T, 22)


def settings(name, epochs=0, **changes):
  c = getattr(papers, name)(common.base())
  c.generator.update(embed=3, hidden=3, head_size=2, mlp_layers=1)
  c.generator.latent = min(c.generator.latent, 2)
  c.discriminator.update(embed=4, widths=(2, 3), filters=3, features=4)
  c.discriminator.update(hidden=3)
  c.discriminator.representations = min(c.discriminator.representations, 2)
  c.mle.batch = c.adversarial.batch = B
  # What is not tested is not traced.
  c.mle.epochs = min(c.mle.epochs, epochs)
  for key, value in changes.items():
    section, name = key.split('__')
    c[section][name] = value
  return c


def program(config):
  """A text of all that training computes: numbers, shapes, operations."""
  system = systems.build(config, SPEC)
  state = jax.eval_shape(system.init, jax.random.key(0))
  parts = [str(state)]
  for phase in system.phases.values():
    if not phase.steps:
      continue
    tokens = jnp.zeros((phase.update.batches, B, T), jnp.int32)
    made = jax.make_jaxpr(
      lambda state, key, phase=phase, tokens=tokens: phase.update.apply(
        phase.enter(state), Batch(tokens), key
      )
    )(state, jax.random.key(0))
    parts += [str(phase.steps), str(made)]
  return '\n'.join(parts)


def other(value):
  """Another value of a setting, or None for text, which has few values."""
  if isinstance(value, bool):
    return not value
  if isinstance(value, tuple):
    return (*value, *value)
  return None if isinstance(value, str) else value * 2 + 1


# Those of ccl, relgan and gsgan are nearly moegan's.
ALIKE = ('ccl', 'relgan', 'gsgan')


@pytest.mark.parametrize(
  'name',
  [
    pytest.param(name, marks=pytest.mark.slow) if name in ALIKE else name
    for name in systems.SYSTEMS
  ],
)
def test_settings_without_an_effect_leave_the_program_alone(name):
  config = settings(name, epochs=1)
  before = program(config)
  changed = []
  for key, value in flatten(config.to_dict()).items():
    new = other(value)
    if '.' in key and new is not None and is_unread(config, key):
      section, last = key.split('.')
      config[section][last] = new
      changed.append(key)
      with pytest.raises(UserError, match=f'{key} has no effect on .*{name}'):
        check_read(config, [key])
  # A weight above zero is refused, and that is in another test.
  if 'fsa.weight' in changed:
    config.fsa.weight = config.ccl.weight = 0.0
  assert len(changed) > 5
  assert program(config) == before


# Those of one system; the switches of the game have a test of their own.
OWN = {
  'textgan': {
    'mmd__weight': 0.5,
    'mmd__reconstruction': 0.5,
    'mmd__bandwidths': (1.0, 2.0),
    'mmd__squared': False,
    'game__weight': 1.0,
    'generator__prior': 'normal',
  },
  'fmgan': {
    'transport__solver': 'sinkhorn',
    'transport__epsilon': 2.0,
    'transport__iterations': 3,
    'transport__through_plan': True,
  },
  'jsdgan': {'jsd__normalise': 'none', 'adversarial__anchor': 1.0},
  'slgan': {
    'slgan__weight': 0.5,
    'slgan__horizon': 50,
    'slgan__floor': 0.5,
    'slgan__decay': 0.2,
    'slgan__margin': 5.0,
    'slgan__noise': 0.2,
    'slgan__direction': 'reverse',
    'discriminator__hidden': 4,
  },
  'gsgan': {'discriminator__per_token': True, 'discriminator__cell': 'gru'},
}


@pytest.mark.slow
@pytest.mark.parametrize('name', OWN)
def test_settings_of_one_system_change_its_program(name):
  before = program(settings(name))
  for key, value in OWN[name].items():
    config = settings(name, **{key: value})
    check_read(config, [key.replace('__', '.')])
    assert program(config) != before, key


BAD = [
  ('textgan', 'mmd__weight', -1.0),
  ('textgan', 'mmd__reconstruction', -1.0),
  ('textgan', 'mmd__bandwidths', ()),
  ('textgan', 'mmd__bandwidths', (1.0, 0.0)),
  ('textgan', 'generator__latent', 0),
  ('fmgan', 'transport__solver', 'simplex'),
  ('fmgan', 'transport__epsilon', 0.0),
  ('fmgan', 'transport__iterations', 0),
  ('jsdgan', 'jsd__normalise', 'max'),
  ('jsdgan', 'generator__latent', 2),
  ('slgan', 'generator__latent', 2),
  ('slgan', 'slgan__noise', 1.0),
  ('slgan', 'slgan__horizon', 0),
  ('slgan', 'slgan__direction', 'up'),
  ('slgan', 'discriminator__hidden', 0),
]


@pytest.mark.parametrize('name, key, value', BAD)
def test_bad_values_are_named_before_anything_is_traced(name, key, value):
  with pytest.raises(UserError) as raised:
    systems.build(settings(name, **{key: value}), SPEC)
  text = str(raised.value)
  assert '\n' not in text
  assert key.split('__')[1] in text
