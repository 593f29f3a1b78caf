"""RelGAN: relational memory, Gumbel-Softmax, many representations.

Nie et al. 2019. Pre-train G by maximum likelihood; then repeat g updates of G
and k updates of D, with l_D = mean over S of f(D(x_r), D(x_y)) and an inverse
temperature that grows as beta_max^(n / N). Any loss of the table can be f, and
an LSTM can stand in for the memory, as in the paper's ablations.
"""

from moegan_jax.systems import networks, parts
from moegan_jax.systems.game import relaxed_game
from moegan_jax.types import Spec, System
from moegan_jax.updates import sequence


def build(config, spec: Spec) -> System:
  """RelGAN from the sections of a configuration."""
  gen = networks.generator(spec, **config.generator)
  disc = networks.discriminator(spec, **config.discriminator)
  train = parts.training(config, spec, gen)
  game = relaxed_game(
    gen,
    disc,
    length=spec.length,
    start=train.pretrain.steps,
    **config.game,
  )
  update = sequence(
    train.generator_updates(game.generator_loss()),
    game.discriminator_updates(train.d_adam, config.adversarial.d_steps),
  )
  return train.system(update, disc=disc)
