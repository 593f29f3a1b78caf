"""Assembles a system from its networks, losses and updates.

Nothing here belongs to one paper: likelihood pre-training, the adversarial
phase around an update of the paper, and the functions that sample and judge.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from moegan_jax import decode
from moegan_jax.errors import UserError, at_least
from moegan_jax.ops import random
from moegan_jax.ops.arrays import on, traced
from moegan_jax.systems.likelihood import (
  PRETRAIN,
  adam,
  likelihood_loss,
  likelihood_phase,
  positive,
)
from moegan_jax.types import (
  Array,
  Critique,
  Discriminator,
  Generator,
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
  every,
  gradient_update,
  repeat,
  sequence,
  together,
)

ADVERSARIAL = 'adversarial'  # name of the phase
# Players of a system: name -> (init of the parameters, optimizer).
Players = Mapping[str, tuple[Callable, optax.GradientTransformation]]


class Training(NamedTuple):
  """A generator that is pre-trained, and then trained by a system's update.

  pretrain: the likelihood phase
  likelihood: its optimizer
  g_adam, d_adam: optimizers of the adversarial phase; d_adam is None for a
    system without a discriminator
  settings: the section `adversarial` of a configuration
  """

  spec: Spec
  gen: Generator
  pretrain: Phase
  likelihood: optax.GradientTransformation
  g_adam: optax.GradientTransformation
  d_adam: optax.GradientTransformation | None
  settings: Any
  unroll: int

  def generator_updates(self, loss: Loss, *after: Update) -> Update:
    """The g updates of the generator in an iteration.

    Args:
      loss: of the paper
      after: further updates that follow each one, on the same batch

    `adversarial.anchor` adds the likelihood loss with this weight;
    `adversarial.mle_every` makes one likelihood update every so many
    iterations, after those of the paper (MoEGAN's Appendix B: 1 in 15).
    """
    run = self.settings
    likelihood = likelihood_loss(self.gen, self.unroll)

    def anchored(params, state, batch, key):
      value, metrics = loss(params, state, batch, key)
      # The losses split their key in a few parts; this number is beyond.
      k_anchor = jax.random.fold_in(key, 99)
      nll, own = likelihood(params, state, batch, k_anchor)
      return value + run.anchor * nll, metrics | own

    play = gradient_update(
      'generator', self.g_adam, anchored if on(run.anchor) else loss
    )
    update = repeat(together(play, *after), run.g_steps)
    if not run.mle_every:
      return update
    remember = gradient_update('generator', self.g_adam, likelihood)
    return sequence(update, every(remember, run.mle_every))

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
  ) -> System:
    """The system whose adversarial phase repeats `update`.

    Args:
      disc: makes the player called 'discriminator', and the critique
      players: further players
      critique: (params of 'discriminator', tokens) -> Critique, for a
        discriminator of another type among `players`
      epochs, parts, label: see `Phase`; `adversarial.steps` is the number of
        iterations whatever `epochs`

    Raises:
      UserError: a batch that the corpus does not allow.
    """
    run = self.settings
    others = dict(players or {})
    if disc is not None:
      others['discriminator'] = (disc.init, self.d_adam)
      critique = disc_critique(disc)
    taken = run.batch * update.batches
    if run.batch < 1 or (epochs and taken > self.spec.train_size):
      raise UserError(
        f'adversarial.batch={run.batch} must be at least 1, and the '
        f'{update.batches} batches of an iteration at most the '
        f'{self.spec.train_size} training sequences'
      )
    optimizers = {name: optimizer for name, (_, optimizer) in others.items()}
    adversarial = Phase(
      steps=run.steps,
      batch_size=run.batch,
      update=update,
      enter=fresh_optimizers(generator=self.g_adam, **optimizers),
      epochs=epochs,
      role=Role.ADVERSARIAL,
      label=label,
      eval_every=run.eval_every,
      batch_key='adversarial.batch',
      parts=parts,
    )
    return system(
      self.spec,
      self.gen,
      players={'generator': (self.gen.init, self.likelihood), **others},
      phases={PRETRAIN: self.pretrain, ADVERSARIAL: adversarial},
      critique=critique,
      unroll=self.unroll,
    )


def training(config, spec: Spec, gen: Generator) -> Training:
  """The pre-training and the optimizers of a configuration.

  Raises:
    UserError: a value out of range.
  """
  run = config.adversarial
  for key in run:
    least = {'g_steps': 1, 'd_steps': 1}.get(key, 0)
    if not traced(run[key]):
      at_least(f'adversarial.{key}', run[key], least)
  rates = {k: run[k] for k in ('g_lr', 'd_lr', 'clip') if k in run}
  positive(**{f'adversarial__{key}': rate for key, rate in rates.items()})
  pretrain, likelihood = likelihood_phase(
    spec, gen, **config.mle, unroll=config.unroll
  )
  return Training(
    spec=spec,
    gen=gen,
    pretrain=pretrain,
    likelihood=likelihood,
    g_adam=adam(run.g_lr, run.clip),
    d_adam=adam(run.d_lr, run.clip) if 'd_lr' in run else None,
    settings=run,
    unroll=config.unroll,
  )


def disc_critique(disc: Discriminator) -> Callable[[Any, Array], Critique]:
  """The discriminator's critique of tokens, without dropout."""
  return lambda params, tokens: disc.judge(
    params, disc.embed(params, tokens), None
  )


def fresh_optimizers(
  **optimizers: optax.GradientTransformation,
) -> Callable[[TrainState], TrainState]:
  """Entry of a phase: a new optimizer state for each named player."""

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
  memory: Callable[[dict[str, Player]], dict[str, Any]] = lambda players: {},
  unroll: int = 1,
) -> System:
  """A system whose text comes from the player called 'generator'.

  Args:
    players: name -> (init of the parameters, optimizer of its first phase)
    critique: (params of 'discriminator', tokens) -> Critique, or None
    memory: players at the start -> `TrainState.memory` at the start
    unroll: timesteps per iteration of the compiled scan
  """

  def init(key: Array) -> TrainState:
    k_run, k_init = jax.random.split(key)
    ready = {}
    for i, (name, (init_params, optimizer)) in enumerate(players.items()):
      params = init_params(jax.random.fold_in(k_init, i))
      ready[name] = Player(params, optimizer.init(params))
    return TrainState(jnp.int32(0), k_run, ready, memory(ready))

  def sample(state, key, n, temperature=1.0, first=0, **options):
    return decode.sample(
      gen,
      state.players['generator'].params,
      random.row_keys(key, n, first),
      length=spec.length,
      temperature=temperature,
      unroll=unroll,
      **options,
    ).tokens

  def logits(state, tokens, temperature=1.0, key=None, first=0):
    params = state.players['generator'].params
    if gen.latent is not None:
      own = None
      if key is not None:
        own = random.row_keys(key, tokens.shape[0], first)
      return decode.marginal(
        gen,
        params,
        tokens,
        temperature,
        draws=gen.draws,
        own=own,
        unroll=unroll,
      )
    return (
      decode.teacher_force(gen, params, tokens, unroll=unroll) / temperature
    )

  def judge(state, tokens):
    return critique(state.players['discriminator'].params, tokens)

  return System(
    init,
    phases,
    sample,
    logits,
    judge if critique else None,
    gen.draws,
  )
