"""Common setup for GANs trained on relaxed samples.

Builds the two players, the rules and the updates from a configuration; a
paper's file adds the terms of its losses.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from moegan_jax.errors import UserError, unknown
from moegan_jax.losses.adversarial import AdversarialLoss, adversarial_loss
from moegan_jax.ops.arrays import traced
from moegan_jax.ops.relaxation import truncate
from moegan_jax.ops.schedules import inverse_temperature
from moegan_jax.systems import assembly, networks
from moegan_jax.systems.relaxed_gan import RelaxedGAN
from moegan_jax.types import Discriminator, Generator, Spec, System, Update
from moegan_jax.updates import sequence

# name -> (straight-through samples?, Gumbel noise?)
RELAXATIONS = {
  'gumbel_softmax': (False, True),
  'straight_through': (True, True),
  'soft_argmax': (False, False),
}


class AdversarialSetup(NamedTuple):
  """Players, rules and optimizers of a GAN on relaxed samples.

  d_steps: discriminator updates per iteration
  """

  train: assembly.Training
  disc: Discriminator
  gan: RelaxedGAN
  d_steps: int

  def generator_updates(
    self, terms: Sequence[Callable] = (), after: Sequence[Update] = ()
  ) -> Update:
    """g updates of the generator, by the adversarial loss and further terms.

    Args:
      terms: added to the loss, see `RelaxedGAN.generator_loss`
      after: updates that follow each one, on the same batch
    """
    return self.train.generator_updates(self.gan.generator_loss(*terms), *after)

  def discriminator_updates(self, terms: Sequence[Callable] = ()) -> Update:
    """k updates of the discriminator on new real and generated batches.

    Args:
      terms: added to the loss, see `RelaxedGAN.discriminator_updates`
    """
    return self.gan.discriminator_updates(
      self.train.d_adam, self.d_steps, *terms
    )

  def alternate(self, generator: Update, discriminator: Update) -> System:
    """The system that repeats updates of the generator, then of the other."""
    return self.train.system(
      sequence(generator, discriminator),
      disc=self.disc,
      parts={'generator': generator, 'discriminator': discriminator},
    )


def adversarial_setup(
  config, spec: Spec, *, classifier: bool = True, reconstruction: int = 0
) -> AdversarialSetup:
  """The players, the rules and the optimizers of a configuration.

  Args:
    classifier: whether the discriminator has a logit and an adversarial loss;
      without it the losses are the paper's own terms only
    reconstruction: size of the latent noise that the discriminator
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
  horizon: int = 2,
  end: str = 'free',
  weight: float = 1.0,
  penalty: float = 0.0,
  **loss,
) -> RelaxedGAN:
  """The rules of the section `game` of a configuration.

  Args:
    start: step of the run at which the adversarial phase begins
    beta, horizon: the inverse temperature at the end of its schedule, and the
      number of updates until then
    relaxation: a key of RELAXATIONS
    top_k, top_p: truncation of the distribution of training samples, see
      `ops.relaxation.truncate`; 0 and 1: none
    pad: the id that ends a sequence; None if there is none
    end: what the discriminator reads after the first `pad` of a sample. 'free':
      what the generator writes, as in the code of RelGAN and TextGAN-PyTorch;
      'absorbing': `pad`, so that no gradient reaches the generator from there
    weight, penalty: of the loss for the generator, and of the gradient penalty;
      a negative penalty is the loss's own
    loss: arguments of `adversarial_loss`; none without a classifier

  Raises:
    UserError: an unknown name, a value out of range, or two that exclude each
      other.
  """
  for name, value, valid in (
    ('relaxation', relaxation, tuple(RELAXATIONS)),
    ('feedback', feedback, ('hard', 'soft')),
    ('route', route, ('scan', 'replay')),
    ('end', end, ('free', 'absorbing')),
  ):
    if value not in valid:
      raise unknown(f'game.{name}', value, valid)
  if (feedback, route) == ('soft', 'replay'):
    raise UserError(
      'game.route=replay needs game.feedback=hard: soft samples cannot be '
      'replayed as tokens'
    )
  if not traced(beta) and not beta > 0:
    raise UserError(f'config.game.beta={beta} must be positive')
  if not traced(weight) and weight < 0:
    raise UserError(f'game.weight={weight} must not be negative')
  if top_k < 0 or not 0 < top_p <= 1:
    raise UserError(
      f'game.top_k={top_k} must not be negative and game.top_p={top_p} must '
      'be in (0, 1]'
    )
  if end == 'absorbing' and pad is None:
    raise UserError(
      'game.end=absorbing has no effect on sequences of one length, which have '
      'no end symbol; leave it out'
    )
  if relaxation == 'soft_argmax' and generator.latent is None:
    raise UserError(
      'game.relaxation=soft_argmax makes all samples equal without latent '
      'noise; set generator.latent above 0'
    )
  rules = _loss(**loss) if loss else None
  own = rules.penalty if rules else 0.0
  hard, stochastic = RELAXATIONS[relaxation]
  return RelaxedGAN(
    generator=generator,
    discriminator=discriminator,
    length=length,
    loss=rules,
    weight=weight,
    penalty=own if not traced(penalty) and penalty < 0 else penalty,
    beta=inverse_temperature(schedule, beta, horizon),
    start=start,
    hard=hard,
    stochastic=stochastic,
    feedback=feedback,
    route=route,
    truncate=partial(truncate, top_k=top_k, top_p=top_p),
    absorb=pad if end == 'absorbing' else None,
    unroll=unroll,
  )


def _loss(*, loss: str, form: str, reduce: str) -> AdversarialLoss:
  """The adversarial loss of the section `game`."""
  return adversarial_loss(loss, form, reduce)
