"""Assembles a system from its networks, losses and updates.

The parts here are independent of the paper: likelihood pre-training, the
adversarial phase that repeats the update of a paper, sampling, likelihoods and
critiques.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from moegan_jax.errors import UserError, at_least
from moegan_jax.ops.arrays import on, traced
from moegan_jax.systems.likelihood import (
  PRETRAIN,
  adam,
  likelihood_loss,
  likelihood_phase,
  positive,
)
from moegan_jax.systems.text import View, own_parameters, text_functions
from moegan_jax.types import (
  Array,
  Critique,
  Discriminator,
  Generator,
  Params,
  Phase,
  Player,
  Role,
  Spec,
  System,
  TrainState,
  Update,
)
from moegan_jax.updates import (
  Loss,
  Prepare,
  every,
  gradient_update,
  remember,
  repeat,
  sequence,
  together,
)

ADVERSARIAL = 'adversarial'  # name of the phase
# initial players -> initial `TrainState.memory`
Memory = Callable[[dict[str, Player]], dict[str, Any]]
# Players of a system: name -> (init of the parameters, optimizer).
Players = Mapping[str, tuple[Callable, optax.GradientTransformation]]


def no_memory(players: dict[str, Player]) -> dict[str, Any]:
  """Returns the memory of a system that needs none."""
  del players
  return {}


class Training(NamedTuple):
  """A generator with its pre-training and the settings of its second phase.

  Attributes:
    spec: the properties of the corpus
    gen: the generator
    pretrain: the likelihood phase
    likelihood: optimizer of the likelihood phase
    g_adam: optimizer of the generator in the adversarial phase
    d_adam: optimizer of the discriminator; None without a discriminator
    settings: the section `adversarial` of a configuration
    unroll: see `ops.devices.unroll`
    real_loss: the loss of the generator on real text, in the likelihood phase
      and wherever the adversarial phase uses likelihood
    view: gives the parameters that the generator reads
  """

  spec: Spec
  gen: Generator
  pretrain: Phase
  likelihood: optax.GradientTransformation
  g_adam: optax.GradientTransformation
  d_adam: optax.GradientTransformation | None
  settings: Any
  unroll: int
  real_loss: Loss
  view: View

  def parameters(self, state: TrainState) -> Params:
    """Returns the parameters with which the generator writes."""
    return self.view(state.players['generator'].params, state)

  def generator_updates(
    self,
    loss: Loss,
    *after: Update,
    remembered: Collection[str] = (),
    prepare: Prepare | None = None,
  ) -> Update:
    """Builds the g generator updates of an iteration.

    Args:
      loss: the generator loss of the paper
      *after: updates that follow each generator update, on the same batch and
        with the same PRNG key
      remembered: metrics of the loss that each update writes to
        `TrainState.memory`, see `updates.remember`
      prepare: computes the inputs of all g updates before the first one, see
        `updates.repeat`. They have real tokens [B, T] as the attribute
        `tokens`, and their `labels` for a conditional generator.

    Returns:
      An Update of g batches, or of g + 1 with `adversarial.mle_every`.

    `adversarial.anchor` is the weight of the likelihood loss in the loss of
    each update. `adversarial.mle_every`=n adds one likelihood update to every
    n-th iteration, after the g updates (MoEGAN, Appendix B: n = 15).
    """
    settings = self.settings

    def anchored(params, state, batch, key):
      value, metrics = loss(params, state, batch, key)
      # `loss` uses fold_in(key, i) for small i only.
      k_anchor = jax.random.fold_in(key, 99)
      nll, nll_metrics = self.real_loss(params, state, batch, k_anchor)
      return value + settings.anchor * nll, metrics | nll_metrics

    adversarial_step = gradient_update(
      'generator', self.g_adam, anchored if on(settings.anchor) else loss
    )
    adversarial_step = remember(adversarial_step, remembered)
    update = repeat(
      together(adversarial_step, *after), settings.g_steps, prepare
    )
    if not settings.mle_every:
      return update
    likelihood_step = gradient_update('generator', self.g_adam, self.real_loss)
    return sequence(update, every(likelihood_step, settings.mle_every))

  def system(
    self,
    update: Update,
    *,
    disc: Discriminator | None = None,
    players: Players | None = None,
    critique: Callable[[Any, Array], Critique] | None = None,
    epochs: bool = False,
    parts: Mapping[str, Update] | None = None,
    label: str = 'GAN',
    before: Mapping[str, Phase] | None = None,
    memory: Memory = no_memory,
    enter: Callable[[TrainState], TrainState] = lambda state: state,
  ) -> System:
    """Builds the system that pre-trains G and then repeats `update`.

    Args:
      update: one iteration of the adversarial phase
      disc: becomes the player 'discriminator' and gives the critique
      players: further players
      critique: (params of 'discriminator', tokens) -> Critique, for a
        discriminator of another type among `players`
      epochs: see `Phase`; `adversarial.steps` counts iterations in any case
      parts: see `Phase`
      label: see `Phase`
      before: name -> Phase, such as pre-training of the discriminator, between
        likelihood pre-training and the adversarial phase
      memory: see `system`
      enter: state -> state, applied once when the adversarial phase begins,
        after the optimizers are reset

    Returns:
      The System: likelihood pre-training, then the adversarial phase.

    Raises:
      UserError: `adversarial.batch` is 0, or an iteration needs more sequences
        than an epoch has.
    """
    settings = self.settings
    others = dict(players or {})
    if disc is not None:
      others['discriminator'] = (disc.init, self.d_adam)
      critique = disc_critique(disc)
    at_least('adversarial.batch', settings.batch, 1)
    needed = settings.batch * update.batches
    if epochs and needed > self.spec.train_size:
      raise UserError(
        f'adversarial.batch={settings.batch} is too large: the '
        f'{update.batches} batches of an iteration have {needed} sequences and '
        f'the corpus has {self.spec.train_size}; lower it'
      )
    optimizers = {name: optimizer for name, (_, optimizer) in others.items()}
    fresh = fresh_optimizers(generator=self.g_adam, **optimizers)
    adversarial = Phase(
      steps=settings.steps,
      batch_size=settings.batch,
      update=update,
      enter=lambda state: enter(fresh(state)),
      epochs=epochs,
      role=Role.ADVERSARIAL,
      label=label,
      eval_every=settings.eval_every,
      batch_key='adversarial.batch',
      parts=parts,
    )
    return system(
      self.spec,
      self.gen,
      players={'generator': (self.gen.init, self.likelihood), **others},
      phases={
        PRETRAIN: self.pretrain,
        **(before or {}),
        ADVERSARIAL: adversarial,
      },
      critique=critique,
      memory=memory,
      unroll=self.unroll,
      view=self.view,
    )


def training(
  config,
  spec: Spec,
  gen: Generator,
  real_loss: Loss | None = None,
  view: View = own_parameters,
) -> Training:
  """Builds the likelihood phase and the optimizers of a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus
    gen: the generator
    real_loss: its loss on real text; default: the negative log-likelihood
    view: see `Training`

  Raises:
    UserError: a value out of range.
  """
  settings = config.adversarial
  for key in settings:
    least = {'g_steps': 1, 'd_steps': 1}.get(key, 0)
    if not traced(settings[key]):
      at_least(f'adversarial.{key}', settings[key], least)
  beta1 = settings.beta1
  if not 0 <= beta1 < 1:
    raise UserError(f'adversarial.beta1={beta1} must be in [0, 1)')
  rates = {k: settings[k] for k in ('g_lr', 'd_lr', 'clip') if k in settings}
  positive(**{f'adversarial__{key}': rate for key, rate in rates.items()})
  real_loss = real_loss or likelihood_loss(gen, config.unroll)
  pretrain, likelihood = likelihood_phase(
    spec, gen, **config.mle, loss=real_loss
  )
  return Training(
    spec=spec,
    gen=gen,
    pretrain=pretrain,
    likelihood=likelihood,
    g_adam=adam(settings.g_lr, settings.clip, beta1),
    d_adam=(
      adam(settings.d_lr, settings.clip, beta1) if 'd_lr' in settings else None
    ),
    settings=settings,
    unroll=config.unroll,
    real_loss=real_loss,
    view=view,
  )


def disc_critique(disc: Discriminator) -> Callable[[Any, Array], Critique]:
  """Returns the function (params, tokens) -> Critique, without dropout."""
  return lambda params, tokens: disc.judge(
    params, disc.embed(params, tokens), None
  )


def fresh_optimizers(
  **optimizers: optax.GradientTransformation,
) -> Callable[[TrainState], TrainState]:
  """Returns a `Phase.enter` that resets optimizer states.

  Args:
    **optimizers: player -> its optimizer in the phase
  """

  def enter(state: TrainState) -> TrainState:
    players = dict(state.players)
    for name, optimizer in optimizers.items():
      params = players[name].params
      players[name] = Player(params, optimizer.init(params))
    return state.replace(players=players)

  return enter


def system(
  spec: Spec,
  gen: Generator,
  *,
  players: Players,
  phases: Mapping[str, Phase],
  critique: Callable[[Any, Array], Critique] | None = None,
  memory: Memory = no_memory,
  unroll: int = 1,
  view: View = own_parameters,
) -> System:
  """Builds a system whose player 'generator' writes the text.

  Args:
    spec: the properties of the corpus
    gen: the generator
    players: name -> (init of the parameters, optimizer of its first phase)
    phases: name -> Phase, in the order of training
    critique: (params of 'discriminator', tokens) -> Critique, or None
    memory: initial players -> initial `TrainState.memory`
    unroll: see `ops.devices.unroll`
    view: (parameters of the player 'generator', state) -> the parameters that
      `gen` reads, for a generator that reads another player, too
  """

  def init(key: Array) -> TrainState:
    k_run, k_init = jax.random.split(key)
    initial = {}
    for i, (name, (init_params, optimizer)) in enumerate(players.items()):
      params = init_params(jax.random.fold_in(k_init, i))
      initial[name] = Player(params, optimizer.init(params))
    return TrainState(jnp.int32(0), k_run, initial, memory(initial))

  sample, logits = text_functions(spec, gen, view, unroll)
  return System(
    init,
    {k: p._replace(labelled=gen.classes > 0) for k, p in phases.items()},
    sample,
    logits,
    critique
    and (lambda state, x: critique(state.players['discriminator'].params, x)),
    gen.draws,
    notes=gen.notes,
    classes=gen.classes,
  )
