"""TextGAN: matching the features of text by maximum mean discrepancy.

Zhang et al. 2017, "Adversarial feature matching for text generation". G turns
latent noise z into soft-argmax rows; D is a CNN with a second head that has to
find z again. D maximises L_GAN - lambda_r |z' - z|^2 + lambda_m L_MMD and G
minimises L_MMD alone (`game.weight` 0): the paper's signs. (A well-known port has D minimise the
discrepancy and maximise the error of z': a negative `mmd.weight` and
`mmd.reconstruction` would be that.)
"""

import jax.numpy as jnp

from moegan_jax.errors import UserError
from moegan_jax.losses.matching import maximum_mean_discrepancy
from moegan_jax.systems import networks, parts
from moegan_jax.systems.game import relaxed_game
from moegan_jax.types import Spec, System
from moegan_jax.updates import sequence


def build(config, spec: Spec) -> System:
  """TextGAN from the sections of a configuration.

  Raises:
    UserError: a generator without latent noise.
  """
  size = config.generator.latent
  if not size:
    raise UserError('system=textgan needs generator.latent above 0')
  gen = networks.generator(spec, **config.generator)
  disc = networks.discriminator(
    spec, **config.discriminator, reconstruction=size
  )
  train = parts.training(config, spec, gen)
  game = relaxed_game(
    gen,
    disc,
    length=spec.length,
    start=train.pretrain.steps,
    **config.game,
  )
  mmd = config.mmd

  def discrepancy(seen):
    return maximum_mean_discrepancy(
      seen.real.features,
      seen.fake.features,
      tuple(mmd.bandwidths),
      mmd.squared,
    )

  def match(params, phi, seen, key):
    del params, phi, key
    value = discrepancy(seen)
    return value, {'mmd': value}

  def oppose(phi, seen, key):
    del phi, key
    error = jnp.mean(jnp.sum((seen.fake.aux - seen.latent) ** 2, axis=-1))
    value = discrepancy(seen)
    loss = mmd.reconstruction * error - mmd.weight * value
    return loss, {'d_mmd': value, 'd_reconstruction': error}

  update = sequence(
    train.generator_updates(game.generator_loss(match)),
    game.discriminator_updates(
      train.d_adam, config.adversarial.d_steps, oppose
    ),
  )
  return train.system(update, disc=disc)
