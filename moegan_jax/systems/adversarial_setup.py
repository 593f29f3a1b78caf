"""Common setup for GANs trained on relaxed samples.

Builds the players, their losses and their updates from a configuration. The
file of a paper adds the further terms of its losses.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from moegan_jax.errors import UserError, unknown
from moegan_jax.losses.adversarial import adversarial_loss
from moegan_jax.ops.arrays import traced
from moegan_jax.ops.relaxation import truncate
from moegan_jax.ops.schedules import inverse_temperature
from moegan_jax.systems import assembly, networks
from moegan_jax.systems.relaxed_gan import RelaxedGAN
from moegan_jax.types import Discriminator, Generator, Spec, System, Update
from moegan_jax.updates import sequence

# name -> (whether relaxed tokens are one-hot, whether noise is added)
RELAXATIONS = {
  'gumbel_softmax': (False, True),
  'straight_through': (True, True),
  'soft_argmax': (False, False),
}


class AdversarialSetup(NamedTuple):
  """Players, losses and optimizers of a GAN on relaxed samples.

  Attributes:
    train: likelihood pre-training and the optimizers
    disc: the discriminator
    gan: the adversarial losses of both players
    d_steps: k, discriminator updates per iteration
  """

  train: assembly.Training
  disc: Discriminator
  gan: RelaxedGAN
  d_steps: int

  def generator_updates(
    self, terms: Sequence[Callable] = (), after: Sequence[Update] = ()
  ) -> Update:
    """Builds the g generator updates of an iteration.

    Each one minimises the adversarial loss of the generator plus `terms`.

    Args:
      terms: terms to add to the loss, see `RelaxedGAN.generator_loss`
      after: updates that follow each generator update, on the same batch and
        with the same PRNG key

    Returns:
      An Update of g batches, or of g + 1 with `adversarial.mle_every`.
    """
    return self.train.generator_updates(self.gan.generator_loss(*terms), *after)

  def discriminator_updates(self, terms: Sequence[Callable] = ()) -> Update:
    """Builds the k discriminator updates of an iteration.

    Each one minimises the adversarial loss of the discriminator plus `terms`,
    on a new real batch and a new generated batch.

    Args:
      terms: terms to add to the loss, see `RelaxedGAN.discriminator_updates`

    Returns:
      An Update of k batches.
    """
    return self.gan.discriminator_updates(
      self.train.d_adam, self.d_steps, *terms
    )

  def alternate(self, generator: Update, discriminator: Update) -> System:
    """Builds the system that alternates between the two players.

    Args:
      generator: the generator updates of an iteration, applied first
      discriminator: the discriminator updates, applied to the new generator

    Returns:
      The System: likelihood pre-training, then the adversarial phase.
    """
    return self.train.system(
      sequence(generator, discriminator),
      disc=self.disc,
      parts={'generator': generator, 'discriminator': discriminator},
    )


def adversarial_setup(
  config, spec: Spec, *, classifier: bool = True, reconstruction: int = 0
) -> AdversarialSetup:
  """Builds the players, losses and optimizers of a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus
    classifier: whether the discriminator has logits and there is an
      adversarial loss; False leaves only the terms that the paper adds
    reconstruction: Z, size of the latent noise that the discriminator
      reconstructs; 0: none

  Raises:
    UserError: a value out of range, or two that exclude each other.
  """
  gen = networks.generator(spec, **config.generator)
  disc = networks.discriminator(
    spec,
    **config.discriminator,
    classifier=classifier,
    reconstruction=reconstruction,
  )
  train = assembly.training(config, spec, gen)
  gan = relaxed_gan(
    gen,
    disc,
    length=spec.length,
    pad=spec.pad,
    start=train.pretrain.steps,
    unroll=config.unroll,
    **config.game,
  )
  return AdversarialSetup(train, disc, gan, config.adversarial.d_steps)


def relaxed_gan(
  generator: Generator,
  discriminator: Discriminator,
  *,
  length: int,
  pad: int | None,
  start: int,
  schedule: str,
  beta: float,
  relaxation: str,
  feedback: str,
  route: str,
  top_k: int,
  top_p: float,
  unroll: int,
  horizon: int = 2,  # not read by schedule='constant'
  end: str = 'free',
  weight: float = 1.0,
  penalty: float = 0.0,
  loss: str | None = None,
  form: str = 'nonsat',
  reduce: str = 'elementwise',
) -> RelaxedGAN:
  """Builds the adversarial losses from the section `game` of a configuration.

  Args:
    generator: G
    discriminator: D
    length: T
    pad: the id that ends a sequence; None if all sequences have length T
    start: global step at which the adversarial phase begins
    schedule: a key of ops.schedules.SCHEDULES
    beta: inverse temperature at the end of the schedule
    relaxation: a key of RELAXATIONS
    feedback: 'hard' or 'soft', see `decode.relax`
    route: 'scan' or 'after', see `decode.relax`; 'platform' is 'after' on a GPU
      with hard feedback, and 'scan' otherwise
    top_k: truncation of training samples, see `ops.relaxation.truncate`; 0:
      none
    top_p: truncation of training samples, see `ops.relaxation.truncate`; 1:
      none
    unroll: see `ops.devices.unroll`
    horizon: number of iterations until the end of the schedule
    end: input of the discriminator after the first `pad` of a sample. 'free'
      keeps the tokens of the generator, as the code of RelGAN and
      TextGAN-PyTorch does. 'absorbing' replaces them by `pad`, which stops the
      gradient.
    weight: weight of the adversarial loss in the generator's loss
    penalty: weight of the gradient penalty; negative: the default of the loss
    loss: a key of losses.adversarial.LOSSES; None without a classifier
    form: see `adversarial_loss`
    reduce: see `adversarial_loss`

  Raises:
    UserError: an unknown name, a value out of range, or two that exclude each
      other.
  """
  for name, value, valid in (
    ('relaxation', relaxation, tuple(RELAXATIONS)),
    ('feedback', feedback, ('hard', 'soft')),
    ('route', route, ('platform', 'scan', 'after')),
    ('end', end, ('free', 'absorbing')),
  ):
    if value not in valid:
      raise unknown(f'game.{name}', value, valid)
  if (feedback, route) == ('soft', 'after'):
    raise UserError(
      'game.route=after does not support game.feedback=soft; set '
      '--config.game.feedback=hard or --config.game.route=scan'
    )
  if not traced(beta) and not beta > 0:
    raise UserError(
      f'game.beta={beta} is no inverse temperature; set a positive number'
    )
  if not traced(weight) and weight < 0:
    raise UserError(f'game.weight={weight} must not be negative')
  if top_k < 0 or not 0 < top_p <= 1:
    raise UserError(
      f'game.top_k={top_k} must not be negative and game.top_p={top_p} must '
      'be in (0, 1]'
    )
  if end == 'absorbing' and pad is None:
    raise UserError(
      'game.end=absorbing has no effect: the sequences of this corpus have no '
      'end symbol; leave it out'
    )
  noise = generator.latent is not None and not generator.classes
  if relaxation == 'soft_argmax' and not noise:
    raise UserError(
      'game.relaxation=soft_argmax makes all samples equal without latent '
      'noise; set --config.generator.latent to at least 1'
    )
  adversarial = None if loss is None else adversarial_loss(loss, form, reduce)
  default_penalty = adversarial.penalty if adversarial else 0.0
  one_hot, stochastic = RELAXATIONS[relaxation]
  return RelaxedGAN(
    generator=generator,
    discriminator=discriminator,
    length=length,
    loss=adversarial,
    weight=weight,
    penalty=(
      default_penalty if not traced(penalty) and penalty < 0 else penalty
    ),
    beta=inverse_temperature(schedule, beta, horizon),
    start=start,
    one_hot=one_hot,
    stochastic=stochastic,
    feedback=feedback,
    route=route,
    truncate=partial(truncate, top_k=top_k, top_p=top_p),
    absorb=pad if end == 'absorbing' else None,
    unroll=unroll,
  )
