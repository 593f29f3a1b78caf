"""TextGAN: matching the features of text by maximum mean discrepancy.

Zhang et al. 2017, "Adversarial feature matching for text generation". G turns
latent noise z into soft-argmax rows; D is a CNN with a second head that has to
find z again. D maximises L_GAN - lambda_r |z' - z|^2 + lambda_m L_MMD and G
minimises L_MMD alone (`game.weight` 0). These are the paper's signs; in a
well-known port D minimises the discrepancy and maximises the error of z'.
"""

import jax.numpy as jnp

from moegan_jax.errors import UserError
from moegan_jax.losses.matching import maximum_mean_discrepancy
from moegan_jax.ops.kernels import check_bandwidths
from moegan_jax.systems.match import match
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

  def discrepancy(seen):
    return maximum_mean_discrepancy(
      seen.real.features,
      seen.fake.features,
      tuple(mmd.bandwidths),
      mmd.squared,
    )

  def approach(params, phi, seen, key):
    del params, phi, key
    value = discrepancy(seen)
    return value, {'mmd': value}

  def withdraw(phi, seen, key):
    del phi, key
    error = jnp.mean(jnp.sum((seen.fake.aux - seen.latent) ** 2, axis=-1))
    value = discrepancy(seen)
    loss = mmd.reconstruction * error - mmd.weight * value
    return loss, {'d_mmd': value, 'd_reconstruction': error}

  return match(config, spec, reconstruction=size).system(
    generator_terms=(approach,), discriminator_terms=(withdraw,)
  )
