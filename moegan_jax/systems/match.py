"""What systems begin with in which G plays D through relaxed samples.

The two players, their rules and their updates from a configuration; a paper's
file adds the terms that are its own.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from moegan_jax.errors import UserError, unknown
from moegan_jax.losses.adversarial import adversarial_loss
from moegan_jax.ops.arrays import traced
from moegan_jax.ops.relaxation import truncate
from moegan_jax.ops.schedules import inverse_temperature
from moegan_jax.systems import networks, parts
from moegan_jax.systems.game import RelaxedGame
from moegan_jax.types import Discriminator, Generator, Spec, System, Update
from moegan_jax.updates import sequence

# name -> (straight-through rows?, Gumbel noise?)
RELAXATIONS = {
  'gumbel_softmax': (False, True),
  'straight_through': (True, True),
  'soft_argmax': (False, False),
}


class Match(NamedTuple):
  """A game whose players are ready.

  d_steps: updates of D an iteration
  """

  train: parts.Training
  disc: Discriminator
  game: RelaxedGame
  d_steps: int

  def system(
    self,
    *,
    generator_terms: Sequence[Callable] = (),
    generator_after: Sequence[Update] = (),
    discriminator_terms: Sequence[Callable] = (),
  ) -> System:
    """The system of Algorithm 1: g updates of G, then k updates of D.

    Args:
      generator_terms, discriminator_terms: of either loss besides the
        adversarial one, see `RelaxedGame`
      generator_after: updates that follow each of G's, on the same batch
    """
    updates = {
      'generator': self.train.generator_updates(
        self.game.generator_loss(*generator_terms), *generator_after
      ),
      'discriminator': self.game.discriminator_updates(
        self.train.d_adam, self.d_steps, *discriminator_terms
      ),
    }
    return self.train.system(
      sequence(*updates.values()), disc=self.disc, parts=updates
    )


def match(
  config, spec: Spec, *, classifier: bool = True, reconstruction: int = 0
) -> Match:
  """The players and the rules of a configuration.

  Args:
    classifier: whether D tells real text from samples; without it what the
      players want is said by the paper's own terms alone
    reconstruction: size of the latent noise that D has to find again
  """
  gen = networks.generator(spec, **config.generator)
  disc = networks.discriminator(
    spec,
    **config.discriminator,
    classifier=classifier,
    reconstruction=reconstruction,
  )
  train = parts.training(config, spec, gen)
  game = relaxed_game(
    gen,
    disc,
    length=spec.length,
    pad=spec.pad,
    start=train.pretrain.steps,
    **config.game,
  )
  if not classifier:
    game = game._replace(loss=None)
  return Match(train, disc, game, config.adversarial.d_steps)


def relaxed_game(
  generator: Generator,
  discriminator: Discriminator,
  *,
  length: int,
  pad: int | None,
  start: int,
  loss: str,
  form: str,
  weight: float,
  reduce: str,
  penalty: float,
  schedule: str,
  beta: float,
  horizon: int,
  relaxation: str,
  feedback: str,
  route: str,
  top_k: int,
  top_p: float,
  unroll: int,
  end: str = 'free',
) -> RelaxedGame:
  """A game from the settings of the section `game`.

  Args:
    penalty: weight of the gradient penalty; negative takes the loss's own
    beta, horizon: where the inverse temperature goes, and in how many updates
    relaxation: a key of RELAXATIONS
    top_k, top_p: how the distribution that training samples come from is cut
      off, see `ops.relaxation.truncate`; 0 and 1 leave it whole
    pad: the id that ends a sequence; None where there is none
    end: what D reads after the first `pad` of a sample. 'free' is what G
      writes there, as in the code of RelGAN and TextGAN-PyTorch; 'absorbing'
      is `pad`, so that no gradient reaches G from behind the end

  Raises:
    UserError: an unknown switch, or two that do not go together.
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
      'game.route=replay needs game.feedback=hard: soft rows '
      'cannot be replayed as tokens'
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
      'game.end=absorbing has no effect on sequences of one length, which have '
      'no end symbol; leave it out'
    )
  if relaxation == 'soft_argmax' and generator.latent is None:
    raise UserError(
      'game.relaxation=soft_argmax makes the same sample again and again '
      'without latent noise; set generator.latent above 0'
    )
  rules = adversarial_loss(loss, form, reduce)
  hard, stochastic = RELAXATIONS[relaxation]
  return RelaxedGame(
    generator=generator,
    discriminator=discriminator,
    length=length,
    loss=rules,
    weight=weight,
    penalty=(rules.penalty if not traced(penalty) and penalty < 0 else penalty),
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
