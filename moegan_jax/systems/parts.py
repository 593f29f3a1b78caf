"""What every system is assembled from; nothing here belongs to one paper."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from moegan_jax import decode
from moegan_jax.errors import UserError
from moegan_jax.losses.likelihood import negative_log_likelihood
from moegan_jax.nets.cells import lstm, relational_memory
from moegan_jax.nets.cnn import cnn
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.recurrent import mixture, recurrent
from moegan_jax.ops import random
from moegan_jax.types import (
  Array,
  Discriminator,
  Generator,
  Phase,
  Player,
  System,
  TrainState,
  Update,
)
from moegan_jax.updates import gradient_update


class Spec(NamedTuple):
  """What a system has to know of the corpus.

  vocab_size: V, output classes
  length: T
  train_size: sequences in the training part
  """

  vocab_size: int
  length: int
  train_size: int


def generator(spec: Spec, *, cell: str, embed: int, init: str, **sizes):
  """A generator from the section `generator` of a configuration.

  Raises:
    UserError: an unknown cell, or settings that do not fit.
  """
  inits = initializers(init)
  keep = {'experts', 'sharing', 'aggregation'}
  experts = {name: sizes.pop(name) for name in keep}
  hidden = sizes.pop('hidden')
  if cell == 'rmc':
    core = relational_memory(**sizes, init=inits)
  elif cell == 'lstm':
    core = lstm(width=hidden, init=inits)
  else:
    raise UserError(f'generator.cell={cell!r} is unknown; one of rmc, lstm')
  if embed < 1:
    raise UserError(f'generator.embed={embed} must be at least 1')
  expert = recurrent(
    core, vocab_size=spec.vocab_size, embed_dim=embed, init=inits
  )
  return mixture(expert, **experts)


def discriminator(spec: Spec, *, embed: int, init: str, **sizes):
  """The CNN from the section `discriminator` of a configuration."""
  return cnn(
    vocab_size=spec.vocab_size,
    length=spec.length,
    embed_dim=embed,
    init=initializers(init),
    **sizes,
  )


def adam(lr: float, clip: float) -> optax.GradientTransformation:
  """Adam (.9, .999) behind a clip of the global norm."""
  return optax.chain(optax.clip_by_global_norm(clip), optax.adam(lr))


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
  if not 1 <= batch <= spec.train_size:
    raise UserError(
      f'mle.batch={batch} must be between 1 and the number of training '
      f'sequences, {spec.train_size}'
    )

  def loss(params, state, batch, key):
    del state, key
    logits = decode.teacher_force(gen, params, batch.tokens, unroll=unroll)
    value = negative_log_likelihood(logits, batch.tokens)
    return value, {'nll': value}

  optimizer = adam(lr, clip)
  phase = Phase(
    steps=epochs * (spec.train_size // batch),
    batch_size=batch,
    update=gradient_update('generator', optimizer, loss),
    enter=lambda state: state,
    epochs=True,
  )
  return phase, optimizer


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


def adversarial_phase(
  *,
  steps: int,
  batch: int,
  update: Update,
  optimizers: Mapping[str, optax.GradientTransformation],
) -> Phase:
  """An adversarial phase: batches with replacement, new optimizer states."""
  if batch < 1:
    raise UserError(f'adversarial.batch={batch} must be at least 1')
  return Phase(steps, batch, update, fresh_optimizers(**optimizers), False)


def system(
  spec: Spec,
  gen: Generator,
  *,
  players: Mapping[str, tuple[Callable, optax.GradientTransformation]],
  phases: Mapping[str, Phase],
  disc: Discriminator | None = None,
  unroll: int = 1,
) -> System:
  """A system whose text comes from the player called 'generator'.

  Args:
    players: name -> (init of the parameters, optimizer of its first phase)
    disc: the judge of the player called 'discriminator', where there is one
  """

  def init(key: Array) -> TrainState:
    k_run, k_init = jax.random.split(key)
    ready = {}
    for i, (name, (init_params, optimizer)) in enumerate(players.items()):
      params = init_params(jax.random.fold_in(k_init, i))
      ready[name] = Player(params, optimizer.init(params))
    return TrainState(jnp.int32(0), k_run, ready, {})

  def sample(state, key, n, temperature=1.0, first=0):
    return decode.sample(
      gen,
      state.players['generator'].params,
      random.row_keys(key, n, first),
      length=spec.length,
      temperature=temperature,
      unroll=unroll,
    ).tokens

  def logits(state, tokens, temperature=1.0):
    params = state.players['generator'].params
    return (
      decode.teacher_force(gen, params, tokens, unroll=unroll) / temperature
    )

  def critique(state, tokens):
    params = state.players['discriminator'].params
    return disc.judge(params, disc.embed(params, tokens), None)

  return System(init, phases, sample, logits, critique if disc else None)
