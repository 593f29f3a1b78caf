"""Types that all modules share. This module has no logic.

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
  """The properties of a corpus that systems depend on.

  Attributes:
    vocab_size: V, number of output classes.
    length: T.
    train_size: number of training sequences.
    pad: the id that ends a sequence and fills the positions after its end; None
      if all sequences have length T.
    words: the V strings of the ids, '' for the pad, and () if ids have none;
      None for a system whose parameters are restored.
    classes: the K shares of the classes in training; () without labels.
  """

  vocab_size: int
  length: int
  train_size: int
  pad: int | None = None
  words: tuple[str, ...] | None = None
  classes: tuple[float, ...] = ()


class Batch(NamedTuple):
  """Real sequences.

  Attributes:
    tokens: int32 [B, T].
    labels: int32 [B], the classes, for conditional systems; None for others.
    mask: bool [B, T], True for given tokens (infilling), or None.
  """

  tokens: Array
  labels: Array | None = None
  mask: Array | None = None


class Support(NamedTuple):
  """All values that the context of a generator can have, and their prior.

  Attributes:
    contexts: [K, Z].
    log_probs: [K], logarithms of their probabilities.
  """

  contexts: Array
  log_probs: Array


class Generator(NamedTuple):
  """An autoregressive generator as pure functions.

  Attributes:
    init: key -> params. A generator that also reads another player takes more
      than these; `Training.view` of its system adds the rest.
    prepare: params -> params with the products that all steps share. The other
      functions take its result, which a scan computes once.
    begin: (params, n, context) -> carry, the state before the first token. The
      context conditions whole sequences, a pytree of [n, ...] such as latent
      noise or one-hot classes; None without.
    embed: (params, tokens) -> the input of `step`, a pytree of [n, ...]. Tokens
      are int32 [n], or weights [n, V] or [n, V + 2].
    step: (params, carry, input) -> carry, hidden [n, H]. `embed` is not part of
      it, so that teacher forcing embeds all given tokens at once.
    readout: (params, hidden [..., H]) -> logits [..., V]. It is not part of
      `step`, so that teacher forcing applies it to all T hidden vectors at
      once.
    vocab_size: V. The input embedding has two more rows, `V` for the start
      symbol and `V + 1` for unknown words, which can never be generated.
    latent: rows uint32 [n, 2] -> z [n, Z], the context of each row, drawn from
      its prior: latent noise, or the one-hot class of a conditional generator;
      None if only the choice of tokens is random.
    draws: number of fixed draws of latent noise per likelihood; 0 without
      latent noise.
    notes: remarks about what it was built from, for the log of a run.
    support: all contexts of a conditional generator, one for each class; None
      for other generators.
  """

  init: Callable[[Array], Params]
  prepare: Callable[[Params], Params]
  begin: Callable[..., Any]
  embed: Callable[[Params, Array], Any]
  step: Callable[..., tuple[Any, Array]]
  readout: Callable[[Params, Array], Array]
  vocab_size: int
  latent: Callable[[Array], Array] | None = None
  draws: int = 0
  notes: tuple[str, ...] = ()
  support: Support | None = None

  @property
  def start(self) -> int:
    """Id of the start symbol."""
    return self.vocab_size

  @property
  def classes(self) -> int:
    """K, the number of classes; 0 if the generator is not conditional."""
    return 0 if self.support is None else len(self.support.log_probs)

  def context(self, labels: Array | None) -> Array | None:
    """Returns the contexts [n, Z] of classes int32 [n]; None without them."""
    if labels is None or self.support is None:
      return None
    return self.support.contexts[labels]


class Critique(NamedTuple):
  """The output of a discriminator for a batch.

  Attributes:
    logits: [B], [B, S] or [B, T]; None if the discriminator does not classify.
    features: [B, S, F].
    aux: further values for a loss.
  """

  logits: Array | None
  features: Array
  aux: Any = None


class PrefixFeatures(NamedTuple):
  """The features of prefixes of a text, computed one token at a time.

  The features of a prefix are those of a discriminator for the text that
  padding completes to T tokens.

  Attributes:
    prepare: (params of the discriminator, id of the padding) -> the products
      that all steps share. The other functions take its result.
    begin: n -> state of the empty prefix, a pytree of [n, ...].
    push: (prepared, state, embedded [n, E]) -> state with one more token.
    read: (prepared, state, t) -> features [n, S F] of a prefix of t tokens.
  """

  prepare: Callable[[Params, int], Params]
  begin: Callable[[int], Any]
  push: Callable[[Params, Any, Array], Any]
  read: Callable[[Params, Any, Array], Array]


class Discriminator(NamedTuple):
  """A discriminator as pure functions.

  Attributes:
    init: key -> params.
    embed: (params, tokens int32 [B, T] or weights [B, T, V]) -> [B, T, E].
    judge: (params, embedded [B, T, E], key or None) -> Critique. Without a key
      there is no dropout.
    gram: params -> [E, E], the inner products of the columns of the embedding.
      It converts the norm of a gradient in [T, E] to the norm in [T, V].
    prefixes: features of prefixes without a network pass per prefix; None if
      the network has no such form.
  """

  init: Callable[[Array], Params]
  embed: Callable[[Params, Array], Array]
  judge: Callable[[Params, Array, Array | None], Critique]
  gram: Callable[[Params], Array]
  prefixes: PrefixFeatures | None = None


class Player(flax.struct.PyTreeNode):
  """The parameters and the optimizer state of a generator or discriminator.

  Attributes:
    params: the parameters.
    opt_state: the state of its optimizer.
  """

  params: Params
  opt_state: Any


class TrainState(flax.struct.PyTreeNode):
  """The complete training state as arrays.

  Attributes:
    step: int32 scalar, global over the phases and shared by all seeds.
    key: typed PRNG key; outside of `vmap` it has the axis [seeds].
    players: name -> Player.
    memory: name -> pytree, such as a replay buffer or a moving average; mostly
      empty.
  """

  step: Array
  key: Array
  players: dict[str, Player]
  memory: dict[str, Any]


class Update(NamedTuple):
  """A training update as a pure function.

  Attributes:
    batches: number of real batches per application.
    apply: (state, batches, key) -> state, metrics. The batches are a pytree
      with the leading axis [batches], a Batch unless `updates.repeat` prepared
      it.
  """

  batches: int
  apply: Callable[[TrainState, Batch, Array], tuple[TrainState, Metrics]]


class Role(enum.StrEnum):
  """The effect of a phase on the generator.

  Attributes:
    LIKELIHOOD: trains it on real text.
    DISCRIMINATOR: trains other players and does not change it.
    ADVERSARIAL: trains it against another player or a reward.
  """

  LIKELIHOOD = 'likelihood'
  DISCRIMINATOR = 'discriminator'
  ADVERSARIAL = 'adversarial'


class Phase(NamedTuple):
  """A period of training with one update.

  Attributes:
    steps: number of iterations.
    batch_size: B, sequences per batch.
    update: the Update of one iteration.
    enter: state -> state, applied once when the phase begins.
    epochs: whether each epoch is a permutation of the corpus. False draws
      batches with replacement.
    role: the effect on the generator.
    label: name in tables.
    eval_every: iterations between evaluations; 0 to evaluate at the end only.
    batch_key: the setting that gives `batch_size`, for error messages.
    parts: the updates that make up `update`, by the player that they train, for
      benchmarks; None if `update` has no such parts.
    labelled: whether its batches have labels.
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
  labelled: bool = False


class System(NamedTuple):
  """A language GAN, ready to train.

  Attributes:
    init: key -> TrainState.
    phases: name -> Phase, in the order of training.
    sample: (state, key, n, temperature=1.0, first=0, **options) ->
      int32 [n, T]. Row i depends on the key and on `first + i` only. The
      options are `truncate`, `prefix` and `given` of `decode.sample`, and for
      a conditional generator `labels`, the classes int32 [n]. Without labels
      the rows are draws from the mixture of the classes.
    logits: (state, tokens int32 [n, T], temperature=1.0, key=None, first=0,
      labels=None) -> [n, T, V]. For tokens from `sample`, pass its key and
      `first`; they matter if `draws` is not 0. Without labels, a conditional
      generator returns the exact log-probabilities of the mixture.
    critique: (state, tokens) -> Critique of the discriminator without dropout;
      None without a discriminator.
    draws: 0 if `logits` is exact. A generator with latent noise has
      the likelihood E_z p(x | z). Its `logits` are then log-probabilities
      averaged over this number of fixed draws of z and, for samples, over the
      z that generated them. The likelihood is then a bound; see
      `decode.marginal`.
    label: name in tables; '': `config.system`.
    notes: remarks for the log of a run.
    fills: whether a token from `sample` is conditioned on given tokens at later
      positions, too.
    classes: K if the generator is conditional, else 0.
  """

  init: Callable[[Array], TrainState]
  phases: Mapping[str, Phase]
  sample: Callable[..., Array]
  logits: Callable[..., Array]
  critique: Callable[..., Critique] | None = None
  draws: int = 0
  label: str = ''
  notes: tuple[str, ...] = ()
  fills: bool = False
  classes: int = 0
