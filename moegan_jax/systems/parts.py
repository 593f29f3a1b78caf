"""What every system is assembled from; nothing here belongs to one paper."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from moegan_jax import decode
from moegan_jax.errors import UserError
from moegan_jax.losses.likelihood import negative_log_likelihood
from moegan_jax.ops import random
from moegan_jax.ops.arrays import on
from moegan_jax.types import (
  Array,
  Critique,
  Discriminator,
  Generator,
  Phase,
  Player,
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

# Players of a system: name -> (init of the parameters, optimizer).
Players = Mapping[str, tuple[Callable, optax.GradientTransformation]]


def adam(lr: float, clip: float) -> optax.GradientTransformation:
  """Adam (.9, .999) behind a clip of the global norm."""
  return optax.chain(optax.clip_by_global_norm(clip), optax.adam(lr))


def likelihood_loss(gen: Generator, unroll: int = 1) -> Loss:
  """Teacher forcing on real text; of latent noise each row has its own."""

  def loss(params, state, batch, key):
    del state
    context = None
    if gen.latent is not None:
      context = gen.latent(random.row_keys(key, batch.tokens.shape[0]))
    logits = decode.teacher_force(
      gen, params, batch.tokens, context=context, unroll=unroll
    )
    value = negative_log_likelihood(logits, batch.tokens)
    return value, {'nll': value}

  return loss


def pretraining(
  spec: Spec,
  gen: Generator,
  *,
  epochs: int,
  batch: int,
  lr: float,
  clip: float,
  unroll: int = 1,
) -> tuple[Phase, optax.GradientTransformation]:
  """Maximum likelihood on real text, an epoch a fresh permutation.

  Raises:
    UserError: a batch larger than the corpus.
  """
  if epochs and not 1 <= batch <= spec.train_size:
    raise UserError(
      f'mle.batch={batch} must be between 1 and the number of training '
      f'sequences, {spec.train_size}'
    )
  optimizer = adam(lr, clip)
  phase = Phase(
    steps=epochs * (spec.train_size // batch) if epochs else 0,
    batch_size=batch,
    update=gradient_update(
      'generator', optimizer, likelihood_loss(gen, unroll)
    ),
    enter=lambda state: state,
    epochs=True,
  )
  return phase, optimizer


class Training(NamedTuple):
  """A generator that is pre-trained, and then trained by a system's update.

  likelihood: the optimizer of the pre-training
  g_adam, d_adam: those of the adversarial phase
  settings: the section `adversarial` of a configuration
  draws: of latent noise, behind a likelihood
  """

  spec: Spec
  gen: Generator
  pretrain: Phase
  likelihood: optax.GradientTransformation
  g_adam: optax.GradientTransformation
  d_adam: optax.GradientTransformation
  settings: Any
  unroll: int
  draws: int

  def generator_updates(self, loss: Loss, *after: Update) -> Update:
    """The g updates of G in an iteration, with what anchors them to text.

    Args:
      after: further updates that follow each one, on the same batch

    `adversarial.anchor` adds the likelihood loss with this weight;
    `adversarial.mle_every` makes one pure likelihood update in so many
    iterations, after those of the game (MoEGAN's Appendix B: 1 to 15).
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
  ) -> System:
    """The system whose adversarial phase repeats `update`.

    Args:
      disc: makes the player called 'discriminator', and the critique
      players: further players
      critique: (params of 'discriminator', tokens) -> Critique, where a
        discriminator of another type is among `players`
      epochs: see `Phase`; `adversarial.steps` is the number of iterations in
        either case
      parts: see `Phase`
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
      run.steps,
      run.batch,
      update,
      fresh_optimizers(generator=self.g_adam, **optimizers),
      epochs,
      parts,
    )
    return system(
      self.spec,
      self.gen,
      players={'generator': (self.gen.init, self.likelihood), **others},
      phases={'pretrain': self.pretrain, 'adversarial': adversarial},
      critique=critique,
      unroll=self.unroll,
      draws=self.draws,
    )


def training(config, spec: Spec, gen: Generator) -> Training:
  """The pre-training and the optimizers of a configuration."""
  run = config.adversarial
  pretrain, likelihood = pretraining(
    spec, gen, **config.mle, unroll=config.game.unroll
  )
  return Training(
    spec=spec,
    gen=gen,
    pretrain=pretrain,
    likelihood=likelihood,
    g_adam=adam(run.g_lr, run.clip),
    d_adam=adam(run.d_lr, run.clip),
    settings=run,
    unroll=config.game.unroll,
    draws=config.eval.draws,
  )


def disc_critique(disc: Discriminator) -> Callable[[Any, Array], Critique]:
  """A discriminator's opinion of tokens, without dropout."""
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
  unroll: int = 1,
  draws: int = 0,
) -> System:
  """A system whose text comes from the player called 'generator'.

  Args:
    players: name -> (init of the parameters, optimizer of its first phase)
    critique: (params of 'discriminator', tokens) -> Critique, or None
    draws: of latent noise, behind the likelihood of a generator that has any
  """

  def init(key: Array) -> TrainState:
    k_run, k_init = jax.random.split(key)
    ready = {}
    for i, (name, (init_params, optimizer)) in enumerate(players.items()):
      params = init_params(jax.random.fold_in(k_init, i))
      ready[name] = Player(params, optimizer.init(params))
    return TrainState(jnp.int32(0), k_run, ready, {})

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
        gen, params, tokens, temperature, draws=draws, own=own, unroll=unroll
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
    draws if gen.latent is not None else 0,
  )
