"""Tests the loss of a discriminator that learns on pools."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys

from moegan_jax import config
from moegan_jax.systems.policy_gan import policy_gan
from moegan_jax.systems.pools import Labelled
from moegan_jax.types import Spec


@pytest.mark.parametrize('kind', ['cnn', 'recurrent'])
def test_penalty_reads_the_logit_layer_of_any_discriminator(kind):
  spec, rows = Spec(5, 6, 20), 4
  tokens = np.random.RandomState(0).randint(5, size=(rows, 6))
  batch = Labelled(jnp.asarray(tokens, jnp.int32), jnp.arange(rows) < 2)
  c = toys.settings('seqgan', mle__batch=rows, adversarial__batch=rows)
  config.select(c, 'discriminator', kind=kind)
  penalised = toys.change(c, discriminator__l2=0.5)
  phi = policy_gan(c, spec, 'sum').disc.init(jax.random.key(0))
  plain, with_penalty = (
    policy_gan(each, spec, 'sum').cross_entropy()(phi, None, batch, None)[0]
    for each in (toys.change(c, discriminator__l2=0.0), penalised)
  )
  layer = phi['logit'] if kind == 'recurrent' else phi['body']['logit']
  squares = sum(np.sum(np.square(x)) for x in jax.tree.leaves(layer))
  assert squares > 1e-4
  np.testing.assert_allclose(with_penalty - plain, 0.5 * squares / 4, rtol=1e-3)
