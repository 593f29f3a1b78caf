"""CatGAN: a generator that evolves through mutations of its loss.

Source: Liu et al., "CatGAN: Category-Aware Generative Adversarial Networks with
Hierarchical Evolutionary Learning for Category Text Generation" (AAAI 2020). On
text without categories it is the paper's EvoGAN.

With `generator.conditional`, a sample has the class of the real text in its
row, and each loss is the sum of the losses of the classes. F_q compares all
samples with all real text.

The players are those of RelGAN. An update of G makes several children. A child
starts from the parameters and the Adam state of G, and takes a step on one of
several losses at one of several inverse temperatures:

    losses        ragan, rsgan
    temperatures  those of the schedule at steps n, n + 1 and n - 1

Each child is judged on m samples x of its own, at its temperature, with the
logits d of the present D:

    F_q = sum over samples of sigmoid(d(x) - mean d(real text))
    F_d = -mean log G(x_t | x_<t)
    F   = quality F_q + diversity F_d

The child with the largest F is the new G. All children share real text and
noise, and so do their evaluations.

Algorithm:

    pre-train G by maximum likelihood
    repeat:
      children of G; G <- the fittest child
      d times:  D <- Adam step on the relativistic average loss
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError, at_least, unknown
from moegan_jax.losses.adversarial import (
  LOSSES,
  AdversarialLoss,
  adversarial_loss,
  logits_of,
  loss_by_class,
)
from moegan_jax.losses.likelihood import negative_log_likelihood
from moegan_jax.systems.adversarial_setup import (
  AdversarialSetup,
  adversarial_setup,
)
from moegan_jax.systems.relaxed_gan import RelaxedGAN
from moegan_jax.types import Array, Metrics, Spec, System, TrainState, Update


def build(config, spec: Spec) -> System:
  """Builds CatGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range.
  """
  setup = adversarial_setup(config, spec)  # G, D, Adam, relaxed samples
  game, classes = config.game, len(spec.classes)
  if config.generator.conditional:
    if game.form != 'nonsat':
      raise UserError(
        f'game.form={game.form} is not available with classes; use '
        '--config.game.form=nonsat'
      )
    of_batch = partial(of_labels, game.loss, game.form, game.reduce, classes)
    setup = setup._replace(gan=setup.gan._replace(by_class=of_batch))
  children = mutations(
    form=game.form, reduce=game.reduce, classes=classes, **config.catgan
  )
  return setup.alternate(evolve(setup, children), setup.discriminator_updates())


def of_labels(
  name: str, form: str, reduce: str, classes: int, labels: Array | None
) -> AdversarialLoss:
  """Returns an adversarial loss of a batch.

  Args:
    name, form, reduce: see `adversarial_loss`
    classes: K
    labels: classes of the rows, int32 [B]; None for one loss of all rows
  """
  if labels is None:
    return adversarial_loss(name, form, reduce)
  return loss_by_class(name, labels, classes, reduce)


class Mutations(NamedTuple):
  """The children of a generator, and how they are judged.

  Attributes:
    losses: the outer mutations: labels int32 [B] or None -> loss of G
    shifts: iterations by which each inner mutation moves the schedule of the
      inverse temperature
    evaluations: batches of samples that judge a child
    quality: weight of F_q
    diversity: weight of F_d
  """

  losses: tuple[Callable[[Array | None], AdversarialLoss], ...]
  shifts: tuple[int, ...]
  evaluations: int
  quality: float
  diversity: float

  def all(self) -> tuple[Array, Array]:
    """Returns index of the loss and shift of each child, int32 [children]."""
    index, shift = jnp.meshgrid(
      jnp.arange(len(self.losses)), jnp.asarray(self.shifts), indexing='ij'
    )
    return index.ravel(), shift.ravel()

  def mutated(self, gan: RelaxedGAN, index: Array, shift: Array) -> RelaxedGAN:
    """Returns the losses of a child.

    Args:
      gan: the losses of G and D
      index: which of `losses`
      shift: iterations, added to those of the schedule
    """

    def switched(labels: Array | None) -> AdversarialLoss:
      rules = [loss(labels) for loss in self.losses]

      def generator(real: Array, fake: Array) -> Array:
        branches = [rule.generator for rule in rules]
        return jax.lax.switch(index, branches, real, fake)

      return rules[0]._replace(generator=generator)

    return gan._replace(
      loss=switched(None),
      by_class=switched if gan.by_class else None,
      beta=lambda step: gan.beta(jnp.maximum(step + shift, 0)),
    )


def mutations(
  *,
  losses: tuple[str, ...],
  shifts: tuple[int, ...],
  evaluations: int,
  quality: float,
  diversity: float,
  form: str = 'nonsat',
  reduce: str = 'elementwise',
  classes: int = 0,
) -> Mutations:
  """Builds the mutations from the section `catgan` of a configuration.

  Args:
    losses: keys of losses.adversarial.LOSSES
    shifts, evaluations, quality, diversity: see `Mutations`
    form, reduce: of the losses, see `adversarial_loss`
    classes: K, for batches with classes

  Raises:
    UserError: an unknown loss, or a value out of range.
  """
  for name, values in (('losses', losses), ('shifts', shifts)):
    if not values:
      raise UserError(f'catgan.{name} is empty; name at least one')
  for name in losses:
    if name not in LOSSES:
      raise unknown('catgan.losses', name, LOSSES)
    adversarial_loss(name, form, reduce)  # checks form and reduction
  at_least('catgan.evaluations', evaluations, 1)
  return Mutations(
    tuple(partial(of_labels, name, form, reduce, classes) for name in losses),
    tuple(shifts),
    evaluations,
    quality,
    diversity,
  )


def evolve(setup: AdversarialSetup, children: Mutations) -> Update:
  """Builds the update that replaces G by its fittest child.

  Args:
    setup: players, losses and optimizers
    children: the mutations

  Returns:
    An Update with the batches of one child. Its metrics are those of the child
    that is kept, its index 'child', and the parts of its fitness.
  """
  rows = setup.train.settings.batch

  def step(gan: RelaxedGAN) -> Update:
    return setup.train.generator_updates(gan.generator_loss())

  def apply(state: TrainState, batches, key: Array):
    k_step, k_judge = jax.random.split(key)
    real = jax.tree.map(lambda x: x[0], batches)
    phi = state.players['discriminator'].params
    critique = setup.gan.judge_text(phi, real.tokens, None)
    level = logits_of(critique).mean()

    def child(index: Array, shift: Array):
      gan = children.mutated(setup.gan, index, shift)
      after, metrics = step(gan).apply(state, batches, k_step)
      player = after.players['generator']
      keys = jax.random.split(k_judge, children.evaluations)
      judged = fitness(children, gan, after, level, keys, rows)
      return player, metrics | judged

    players, metrics = jax.vmap(child)(*children.all())
    best = jnp.argmax(metrics['fitness'])
    player, metrics = jax.tree.map(lambda x: x[best], (players, metrics))
    metrics |= {'child': best.astype(jnp.float32)}
    return state.replace(players=state.players | {'generator': player}), metrics

  return Update(step(setup.gan).batches, apply)


def fitness(
  children: Mutations,
  gan: RelaxedGAN,
  state: TrainState,
  level: Array,
  keys: Array,
  rows: int,
) -> Metrics:
  """Judges a child.

  Args:
    children: the weights of the fitness
    gan: the losses of the child
    state: the training state, with the child as G
    level: mean logit of real text
    keys: a key for each batch of samples
    rows: samples in a batch

  Returns:
    'fitness', and its parts 'quality', which is F_q per sample, and
    'diversity', F_d in nats per token.
  """
  params = state.players['generator'].params
  phi = state.players['discriminator'].params

  def one(key: Array) -> tuple[Array, Array]:
    drawn = gan.relaxed(params, phi, state, rows, key)
    fake = logits_of(gan.discriminator.judge(phi, drawn.relaxed, None))
    logits = gan.generator.readout(params, drawn.hidden)
    nll = negative_log_likelihood(logits, drawn.tokens)
    return jax.nn.sigmoid(fake - level).mean(), nll

  each, nll = jax.lax.map(one, keys)
  quality, diversity = each.mean(), nll.mean()
  value = children.quality * rows * len(keys) * quality
  value += children.diversity * diversity
  return {'fitness': value, 'quality': quality, 'diversity': diversity}
