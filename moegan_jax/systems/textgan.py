"""TextGAN: matching the features of text by maximum mean discrepancy.

Zhang et al. 2017, "Adversarial feature matching for text generation". G maps
latent noise z to soft-argmax samples; D is a CNN with a second head that
reconstructs z. D maximises L_GAN - lambda_r |z' - z|^2 + lambda_m L_MMD and G
minimises L_MMD only (`game.weight` 0). These are the paper's signs; in
TextGAN-PyTorch D minimises the discrepancy and maximises the error of z'.
"""

import jax.numpy as jnp

from moegan_jax.errors import UserError
from moegan_jax.losses.matching import maximum_mean_discrepancy
from moegan_jax.ops.kernels import check_bandwidths
from moegan_jax.systems.adversarial_setup import adversarial_setup
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """TextGAN from the sections of a configuration.

  Raises:
    UserError: a generator without latent noise, no kernel, or a negative
      weight.
  """
  size, mmd = config.generator.latent, config.mmd
  if not size:
    raise UserError('system=textgan needs generator.latent above 0')
  check_bandwidths(mmd.bandwidths)
  if mmd.weight < 0 or mmd.reconstruction < 0:
    raise UserError(
      f'mmd.weight={mmd.weight} and mmd.reconstruction={mmd.reconstruction} '
      'must not be negative'
    )

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
