"""FM-GAN: the feature mover's distance between texts, without a classifier.

Chen et al. 2018. The cost of moving one sentence to another is one minus the
cosine of their features; G minimises the optimal transport between a real and
a generated batch, the feature extractor D maximises it.
"""

from moegan_jax.losses.adversarial import SILENT
from moegan_jax.losses.matching import feature_movers_distance
from moegan_jax.systems import networks, parts
from moegan_jax.systems.game import relaxed_game
from moegan_jax.types import Spec, System
from moegan_jax.updates import sequence


def build(config, spec: Spec) -> System:
  """FM-GAN from the sections of a configuration."""
  gen = networks.generator(spec, **config.generator)
  disc = networks.discriminator(spec, **config.discriminator)
  train = parts.training(config, spec, gen)
  game = relaxed_game(
    gen,
    disc,
    length=spec.length,
    start=train.pretrain.steps,
    **config.game,
  )._replace(loss=SILENT)

  def distance(seen):
    return feature_movers_distance(
      seen.real.features, seen.fake.features, **config.transport
    )

  def approach(params, phi, seen, key):
    del params, phi, key
    value = distance(seen)
    return value, {'fmd': value}

  def withdraw(phi, seen, key):
    del phi, key
    value = distance(seen)
    return -value, {'d_fmd': value}

  update = sequence(
    train.generator_updates(game.generator_loss(approach)),
    game.discriminator_updates(
      train.d_adam, config.adversarial.d_steps, withdraw
    ),
  )
  return train.system(update, disc=disc)
