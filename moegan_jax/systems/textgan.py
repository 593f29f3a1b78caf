"""TextGAN: feature matching by maximum mean discrepancy (MMD).

Source: Zhang et al. 2017, "Adversarial Feature Matching for Text Generation".
G maps latent noise z to soft-argmax samples. D is a CNN with a second head that
reconstructs z as z'.

    pre-train G by maximum likelihood
    repeat:
      g times:  G <- Adam step that minimises L_MMD
      k times:  D <- Adam step that maximises
                     L_GAN - lambda_r |z' - z|^2 + lambda_m L_MMD

`game.weight=0` removes the adversarial loss from the loss of G. The signs are
those of the paper. In TextGAN-PyTorch D minimises L_MMD and maximises the error
of z'.
"""

import jax.numpy as jnp

from moegan_jax.errors import UserError, at_least
from moegan_jax.losses.matching import maximum_mean_discrepancy
from moegan_jax.ops.kernels import check_bandwidths
from moegan_jax.systems.adversarial_setup import adversarial_setup
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """Builds TextGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a generator without latent noise, no kernel, or a value out of
      range.
  """
  size, mmd = config.generator.latent, config.mmd
  if not size:
    raise UserError(
      'generator.latent=0 leaves system=textgan without latent noise; set it '
      'to at least 1'
    )
  check_bandwidths(mmd.bandwidths)
  for key in ('weight', 'reconstruction'):
    at_least(f'mmd.{key}', mmd[key], 0)

  def discrepancy(inputs):
    return maximum_mean_discrepancy(
      inputs.real.features,
      inputs.fake.features,
      tuple(mmd.bandwidths),
      mmd.squared,
    )

  def generator_term(params, phi, inputs, key):
    del params, phi, key
    value = discrepancy(inputs)
    return value, {'mmd': value}

  def discriminator_term(phi, inputs, key):
    del phi, key
    error = jnp.mean(jnp.sum((inputs.fake.aux - inputs.latent) ** 2, axis=-1))
    value = discrepancy(inputs)
    loss = mmd.reconstruction * error - mmd.weight * value
    return loss, {'d_mmd': value, 'd_reconstruction': error}

  setup = adversarial_setup(config, spec, reconstruction=size)
  return setup.alternate(
    setup.generator_updates(terms=(generator_term,)),
    setup.discriminator_updates(terms=(discriminator_term,)),
  )
