"""The types that every part of the house shares. No logic lives here.

Dimensions in docstrings: B batch, T time, V output vocabulary, E embedding,
H hidden output of a generator, S representations, F features, N experts.
"""

import enum
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import flax
import jax

Array = jax.Array
Params = Any  # a pytree of arrays
Metrics = dict[str, Array]  # name -> scalar


class Spec(NamedTuple):
  """What a system has to know of the corpus.

  vocab_size: V, output classes
  length: T
  train_size: sequences in the training part
  pad: the id that ends a sequence and fills it up to T; None where all
    sequences have length T
  """

  vocab_size: int
  length: int
  train_size: int
  pad: int | None = None


class Batch(NamedTuple):
  """Real sequences.

  tokens: int32 [B, T]
  labels: int32 [B], for conditional systems, or None
  mask: bool [B, T], True where a token is given (infilling), or None
  """

  tokens: Array
  labels: Array | None = None
  mask: Array | None = None


class Generator(NamedTuple):
  """An autoregressive generator as pure functions.

  init: key -> params
  begin: (params, n, context) -> carry; the state before the first token
  step: (params, carry, tokens) -> carry, hidden [n, H]; tokens are int32 [n]
    or weights [n, V] (or [n, V + 2]); the embedding happens inside
  readout: (params, hidden [..., H]) -> logits [..., V]; apart from `step`,
    so that teacher forcing applies it to all T hidden vectors at once
  vocab_size: V; the input embedding has two more rows, `V` for the start
    symbol and `V + 1` for unknown words, which can never be generated
  latent: rows uint32 [n, 2] -> z [n, Z], the noise of each row that `begin`
    takes as its context; None where all randomness is in the choice of tokens
  draws: fixed draws of latent noise in a likelihood; 0 without latent noise
  """

  init: Callable[[Array], Params]
  begin: Callable[..., Any]
  step: Callable[..., tuple[Any, Array]]
  readout: Callable[[Params, Array], Array]
  vocab_size: int
  latent: Callable[[Array], Array] | None = None
  draws: int = 0

  @property
  def start(self) -> int:
    return self.vocab_size


class Critique(NamedTuple):
  """What a discriminator says of a batch.

  logits: [B], [B, S] or [B, T]; None of one that does not classify
  features: [B, S, F]
  aux: anything else that a loss reads
  """

  logits: Array | None
  features: Array | None = None
  aux: Any = None


class Discriminator(NamedTuple):
  """A discriminator as pure functions.

  init: key -> params
  embed: (params, tokens int32 [B, T] or weights [B, T, V]) -> [B, T, E]
  judge: (params, embedded [B, T, E], key or None) -> Critique; without a key
    there is no dropout
  gram: params -> [E, E], the inner products of the embedding's columns;
    it turns the norm of a gradient in [T, E] into that in [T, V]
  """

  init: Callable[[Array], Params]
  embed: Callable[[Params, Array], Array]
  judge: Callable[[Params, Array, Array | None], Critique]
  gram: Callable[[Params], Array]


@flax.struct.dataclass
class Player:
  """What one player of the game owns."""

  params: Params
  opt_state: Any


@flax.struct.dataclass
class TrainState:
  """Everything a run has to remember, as arrays.

  step: int32 scalar, global over the phases; all seeds share it
  key: typed PRNG key; with a seed axis [seeds] outside of `vmap`
  players: name -> Player
  memory: name -> any pytree (replay buffers, moving averages); mostly empty
  """

  step: Array
  key: Array
  players: dict[str, Player]
  memory: dict[str, Any]


class Update(NamedTuple):
  """A pure training update.

  batches: how many real batches one application takes
  apply: (state, Batch with leading axis [batches], key) -> state, metrics
  """

  batches: int
  apply: Callable[[TrainState, Batch, Array], tuple[TrainState, Metrics]]


class Role(enum.StrEnum):
  """What a phase does to the generator.

  LIKELIHOOD: trains it on real text
  DISCRIMINATOR: leaves it as it is, and trains other players
  ADVERSARIAL: trains it against another player or a reward
  """

  LIKELIHOOD = 'likelihood'
  DISCRIMINATOR = 'discriminator'
  ADVERSARIAL = 'adversarial'


class Phase(NamedTuple):
  """A stretch of training with one update.

  steps: number of iterations
  batch_size: sequences per batch
  update: the Update of one iteration
  enter: state -> state, applied once when the phase begins
  epochs: True draws a new permutation of the corpus every epoch, False draws
    batches with replacement
  role: what it does to the generator
  label: its name in tables
  eval_every: iterations between evaluations; 0: at the end only
  batch_key: the setting that `batch_size` comes from, for error messages
  parts: the updates that `update` is a sequence of, by the player that they
    train; None if there is no such split. Benchmarks time them one by one
  """

  steps: int
  batch_size: int
  update: Update
  enter: Callable[[TrainState], TrainState]
  epochs: bool
  role: Role
  label: str
  eval_every: int = 0
  batch_key: str = ''
  parts: Mapping[str, Update] | None = None


class System(NamedTuple):
  """A language GAN, ready to train.

  init: key -> TrainState
  phases: name -> Phase, in the order of training
  sample: (state, key, n, temperature=1.0, first=0, **options) -> int32 [n, T];
    row i depends on the key and on `first + i` only; options are `truncate`,
    `prefix` and `given` of `decode.sample`
  logits: (state, tokens int32 [n, T], temperature=1.0, key=None, first=0) ->
    [n, T, V]; of tokens from `sample` it may be told the key and `first`,
    which matter where `draws` is not 0
  critique: (state, tokens) -> Critique of the discriminator, without dropout;
    or None
  draws: 0 where `logits` are those that `sample` draws from. A generator with
    a latent start has the likelihood E_z p(x | z), and `logits` are those of
    the mean over so many fixed draws of z and, for samples, their own: bounds,
    see `decode.marginal`
  """

  init: Callable[[Array], TrainState]
  phases: Mapping[str, Phase]
  sample: Callable[..., Array]
  logits: Callable[..., Array]
  critique: Callable[..., Critique] | None = None
  draws: int = 0
