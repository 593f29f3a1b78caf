"""Every setting of a configuration changes its program."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys

from moegan_jax import config, systems
from moegan_jax.config import program as run_level
from moegan_jax.errors import UserError
from moegan_jax.types import Batch

B, T, V = 4, 5, 7
SPEC = systems.Spec(V, T, 22, pad=0)
# Settings that do not change the traced program.
RUN_LEVEL = {*run_level.program(), *run_level.SECTIONS} - {
  'precision',
  'unroll',
}
CADENCE = 'eval_every'
OTHER = {
  'init': 'uniform',
  'gate': 'none',
  'flavour': 'textgan',
  'sharing': 'mgan',
  'aggregation': 'prob_mean',
  'end_input': 'learned',
  'loss': 'hinge',
  'form': 'minimax',
  'relaxation': 'straight_through',
  'route': 'after',
  'unroll': 2,
  'end': 'absorbing',
  'distance': 'wasserstein',
  'reps': 'per_rep',
  'updates': 'both',
  'solver': 'sinkhorn',
  'normalise': 'none',
  'direction': 'reverse',
  'precision': 'bfloat16',
  # Another value would be out of range, or too large to trace.
  'top_p': 0.5,
  'penalty': 1.0,
  'noise': 0.2,
  'dropout': 0.15,
  'rate': 0.7,
  'clip': 0.1,
  'widths': (2,),
  'beta1': 0.7,
  'epsilon': 0.2,
  'discount': 0.5,
  'present': 0.3,
  'whole': 0.2,
  'decay': 0.5,
  'epochs': 2,
  'steps': 7,
}
SECOND = {'init': 'relgan', 'flavour': 'santoro'}
OTHER_OF = {
  'generator.prior': {'normal': 'uniform', 'uniform': 'normal'},
  'discriminator.activation': {'relu': 'tanh', 'tanh': 'relu'},
  'discriminator.highway': {
    'separate': 'none',
    'none': 'separate',
    'tied': 'none',
  },
  'game.feedback': {'hard': 'soft', 'soft': 'hard'},
  'game.reduce': {'elementwise': 'mean', 'mean': 'elementwise'},
  'fsa.reduce': {'joint': 'per_rep'},
  'fsa.dropout': {'train': 'off'},
  'discriminator.cell': {'lstm': 'gru'},
  'discriminator.filters': {3: 4, (3,): (3, 4)},
  'generator.output': {'own': 'tied', 'tied': 'own'},
  'maskgan.mask': {'contiguous': 'random'},
  'maskgan.reduce': {'sequence': 'mean'},
  'catgan.losses': {('ragan', 'rsgan'): ('ragan',)},
  'catgan.shifts': {(0, 1, -1): (0, 1)},
  'policy.baseline': {'none': 'batch'},
  'policy.reduce': {'sum': 'mean', 'mean': 'sum'},
  'generator.classes': {'own': 'input', 'input': 'own'},
  'sentigan.penalty': {'own': 'fake'},
  'rollout.samples': {2: 4},
  'rollout.chunk': {1: 2},
  'rank.references': {2: 1},
  'rank.comparisons': {2: 1},
  'sal.worse': {-1.0: -2.0},
  'mediator.cell': {'lstm': 'gru'},
  'dgsan.level': {'token': 'sequence'},
  'dgsan.reduce': {'sum': 'mean'},
  'discriminator.embed': {4: 8},  # S must divide it
  'discriminator.representations': {2: 4},
}
# Settings that another value of a setting needs.
NEEDED = {
  'game.form': {'game.loss': 'rsgan', 'catgan.losses': ('rsgan',)},
  'game.route': {'game.feedback': 'hard'},
  'game.reduce': {'game.loss': 'hinge'},  # rsgan has no such mean
}


def settings(name, **changes):
  c = toys.settings(name)
  if c.mle.epochs:
    c.mle.update(epochs=1, batch=B)
  if 'adversarial' in c:
    c.adversarial.batch = B
  if 'representations' in c.get('discriminator', {}):
    c.discriminator.representations = 2
  return toys.change(c, **changes)


def spec_of(c):
  """Returns the properties of a corpus, with classes if they are read."""
  conditional = c.generator.get('conditional')
  return SPEC._replace(classes=(0.3, 0.7)) if conditional else SPEC


def program(c):
  """Returns the programs and constants of a system as text."""
  system = systems.build(c, spec_of(c))
  key = jax.random.key(0)
  state = jax.eval_shape(system.init, key)
  tokens = jnp.zeros((B, T), jnp.int32)
  made = [jax.make_jaxpr(system.init)(key)]
  made.append(jax.make_jaxpr(system.logits)(state, tokens))
  texts = []
  for phase in system.phases.values():
    if not phase.steps:
      continue
    texts.append(f'{phase.steps} {phase.batch_size}')
    shape = phase.update.batches, phase.batch_size
    batch = Batch(
      jnp.zeros((*shape, T), jnp.int32),
      jnp.zeros(shape, jnp.int32) if phase.labelled else None,
    )

    def update(state, key, phase=phase, batch=batch):
      return phase.update.apply(phase.enter(state), batch, key)

    made.append(jax.make_jaxpr(update)(state, key))
  for one in made:
    # Closed-over arrays are not part of the text of a program.
    values = [
      np.asarray(x) for x in one.consts if jnp.issubdtype(x.dtype, jnp.number)
    ]
    texts += [str(one), str(values)]
  return '\n'.join(texts)


def other(key, value):
  """Returns another value of a setting."""
  if key in OTHER_OF:
    return OTHER_OF[key][value]
  name = key.rpartition('.')[2]
  if name in OTHER:
    # A few systems have this value by default.
    return SECOND[name] if value == OTHER[name] else OTHER[name]
  if isinstance(value, bool):
    return not value
  if isinstance(value, tuple):
    return (*value, *value)
  return value * 2 + 1


FAST = ('mle', 'jsdgan')


@pytest.mark.parametrize(
  'name',
  [
    name if name in FAST else pytest.param(name, marks=pytest.mark.slow)
    for name in [*systems.SYSTEMS, 'moegan_ccl']
  ],
)
def test_every_setting_of_a_system_changes_its_program(name):
  c = settings(name)
  before = program(c)
  for key in config.keys(c):
    section, _, last = key.rpartition('.')
    if (section or key) in RUN_LEVEL or last == CADENCE:
      continue
    if config.is_selector(c, key):  # the sections differ; see tests/config
      continue
    value = c[section][last] if section else c[key]
    assert other(key, value) != value, key
    base, expected = c, before
    if key in NEEDED:
      base = config.override(c, NEEDED[key], optional=NEEDED[key])
      expected = program(base)
    changed = config.override(base, {key: other(key, value)})
    assert program(changed) != expected, key


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
  ('catgan', 'catgan__losses', ()),
  ('catgan', 'catgan__losses', ('ragan', 'none')),
  ('catgan', 'catgan__shifts', ()),
  ('catgan', 'catgan__evaluations', 0),
  ('jsdgan', 'generator__latent', 2),
  ('slgan', 'generator__latent', 2),
  ('slgan', 'slgan__noise', 1.0),
  ('slgan', 'slgan__horizon', 0),
  ('slgan', 'slgan__direction', 'up'),
  ('slgan', 'discriminator__hidden', 0),
  ('seqgan', 'adversarial__batch', 0),
  ('seqgan', 'discriminator__l2', -0.1),
  ('seqgan', 'discriminator__widths', (6,)),
  ('seqgan', 'discriminator__filters', (3, 4, 5)),
  ('seqgan', 'pool__negatives', 1),
  ('seqgan', 'pool__passes', 0),
  ('seqgan', 'pool__pretraining', -1),
  ('seqgan', 'policy__reduce', 'max'),
  ('seqgan', 'policy__baseline', 'critic'),
  ('seqgan', 'rollout__policy', 'old'),
  ('seqgan', 'rollout__samples', 0),
  ('seqgan', 'rollout__chunk', 3),
  ('seqgan', 'rollout__rate', 1.0),
  ('scratchgan', 'scratchgan__discount', 1.1),
  ('scratchgan', 'scratchgan__decay', 1.0),
  ('scratchgan', 'discriminator__l2', -0.1),
  ('scratchgan', 'discriminator__positions', -1),
  ('scratchgan', 'discriminator__dropout', 1.0),
  ('scratchgan', 'generator__layers', 0),
  ('scratchgan', 'generator__output', 'shared'),
  ('scratchgan', 'adversarial__beta1', 1.0),
  ('coldgan', 'coldgan__temperature', 0.0),
  ('coldgan', 'coldgan__top_p', 1.5),
  ('coldgan', 'coldgan__epsilon', 0.0),
  ('coldgan', 'coldgan__weight_clip', 0.0),
  ('coldgan', 'coldgan__clip', -0.1),
  ('coldgan', 'coldgan__replay', 0),
  ('coldgan', 'coldgan__pretraining', -1),
  ('cot', 'mediator__cell', 'rmc'),
  ('cot', 'mediator__embed', 0),
  ('cot', 'mediator__hidden', 0),
  ('cot', 'mediator__layers', 0),
  ('cot', 'mediator__init', 'zeros'),
  ('cot', 'mediator__dropout', 1.0),
  ('cot', 'generator__latent', 2),
  ('cot', 'adversarial__d_steps', 0),
  ('dgsan', 'dgsan__level', 'word'),
  ('dgsan', 'dgsan__reduce', 'max'),
  ('dgsan', 'dgsan__interval', -1),
  ('dgsan', 'generator__latent', 2),
  ('dgsan', 'adversarial__batch', 0),
  ('dpgan', 'discriminator__cell', 'cnn'),
  ('dpgan', 'discriminator__hidden', 0),
  ('dpgan', 'pool__negatives', 1),
  ('dpgan', 'policy__reduce', 'max'),
  ('dpgan', 'dpgan__discount', 1.1),
  ('dpgan', 'dpgan__clip', 0.0),
  ('maligan', 'maligan__form', 'whole'),
  ('maligan', 'maligan__clip', 0.5),
  ('maligan', 'maligan__horizon', 0),
  ('rankgan', 'rank__gamma', 0.0),
  ('rankgan', 'rank__references', 0),
  ('rankgan', 'rank__references', 3),
  ('rankgan', 'rank__comparisons', 0),
  ('rankgan', 'rank__form', 'logs'),
  ('rankgan', 'pool__negatives', 3),
  ('rankgan', 'discriminator__widths', (6,)),
  ('sal', 'adversarial__batch', 1),
  ('sal', 'sal__hidden', 0),
  ('sal', 'sal__references', 0),
  ('sal', 'sal__memory', 0),
  ('sal', 'sal__better', -1.5),
  ('sal', 'sal__worse', 1.0),
  ('sal', 'rollout__chunk', 3),
  ('leakgan', 'generator__embed', 0),
  ('leakgan', 'generator__hidden', 0),
  ('leakgan', 'generator__goal_size', 0),
  ('leakgan', 'generator__step_size', 0),
  ('leakgan', 'generator__step_size', 6),
  ('leakgan', 'discriminator__kind', 'recurrent'),
  ('leakgan', 'discriminator__l2', -0.1),
  ('leakgan', 'leakgan__delta', 0.0),
  ('leakgan', 'rollout__chunk', 3),
  ('leakgan', 'policy__reduce', 'max'),
  ('leakgan', 'pool__negatives', 1),
  ('sentigan', 'sentigan__penalty', 'both'),
  ('sentigan', 'generator__classes', 'both'),
  ('sentigan', 'discriminator__l2', -0.1),
]


@pytest.mark.parametrize('name, key, value', BAD)
def test_bad_values_are_named_before_anything_is_traced(name, key, value):
  with pytest.raises(UserError) as raised:
    c = settings(name, **{key: value})
    systems.build(c, spec_of(c))
  text = str(raised.value)
  assert '\n' not in text
  assert key.split('__')[1] in text
