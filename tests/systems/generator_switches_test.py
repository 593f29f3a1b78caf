"""Every switch of the generator changes its logits."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from switches import SPEC, B, T, V, freeze, settings
from toys import tiers

from moegan_jax import systems
from moegan_jax.types import Batch

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
RMC = {'generator__cell': 'rmc'}
PAIR = {'generator__experts': 2}
LATENT = {'generator__latent': 2}
MOGRIFIER = {'generator__cell': 'mogrifier'}

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
  'mogrifier': (MOGRIFIER, {}),
  'rounds': (MOGRIFIER | {'generator__rounds': 2}, MOGRIFIER),
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
  """Returns logits before and after two likelihood steps, and the losses."""
  system = systems.build(settings(**dict(changes)), SPEC)
  update = system.phases['pretrain'].update

  @jax.jit
  def run(key):
    state = system.init(key)
    tokens = jnp.asarray(TOKENS)
    before = system.logits(state, tokens)

    def body(state, _):
      # The likelihood does not use the key.
      return update.apply(state, Batch(tokens[None]), jax.random.key(0))

    state, metrics = jax.lax.scan(body, state, None, 2)
    return before, system.logits(state, tokens), metrics['nll']

  return jax.tree.map(np.asarray, run(jax.random.key(0)))


@pytest.mark.parametrize('name', tiers(GENERATOR, {'uniform prior'}))
def test_generator_switch_changes_the_logits(name):
  changes, base = GENERATOR[name]
  before, after, nll = _learned(freeze(changes))
  assert np.isfinite(after).all() and nll[1] < nll[0]
  assert before.shape == (B, T, V)
  other, _, _ = _learned(freeze(base))
  assert abs(before - other).max() > 1e-5
