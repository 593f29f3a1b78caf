"""Known distributions over token sequences, such as the LSTM oracle.

An oracle allows exact measures of a language GAN: it provides training samples
and the true probability of every generated sequence.

The LSTM oracle is that of SeqGAN (Yu et al., AAAI 2017, section 4): an LSTM
whose parameters are all drawn from N(0, 1). It has one bias per gate, a zero
initial state, start token 0, a fixed length and no end symbol. All V tokens
are words, token 0 included.
"""

import zipfile
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.errors import UserError
from moegan_jax.ops import recurrence
from moegan_jax.ops.precision import full_precision
from moegan_jax.paths import expand

# The entropy of such oracles varies by +-.15 nats between draws, so the draw is
# fixed. Its entropy in nats per token (10,000 samples, standard error .005 at
# length 20, .004 at 40), compared with the parameters that SeqGAN ships:
#                                    length 20   length 40
#   seed 0, V 5000, dim 32             5.962       5.941
#   seed 0, V 500, dim 32              3.974       3.969
#   SeqGAN's file, V 5000, dim 32      5.744       5.722
ORACLE_SEED = 0

GATES = ('i', 'f', 'og', 'c')  # input, forget, output, cell candidate
MAX_CHUNK = 1 << 20  # probabilities in memory while sampling: 8 MB


class OracleClasses(NamedTuple):
  """Classes of the sequences of an oracle, with exact densities.

  Attributes:
    names: the K classes, sorted
    draw: (np.random.RandomState, np tokens [n, T]) -> int32 [n], a class of
      each sequence, drawn from p(k | x)
    log_probs: (tokens int32 [n, T], labels int32 [n]) -> float32 [n, T, V],
      log p(. | tokens[:, :t], k) at each t; a pure function
  """

  names: tuple[str, ...]
  draw: Callable[[np.random.RandomState, np.ndarray], np.ndarray]
  log_probs: Callable[[jax.Array, jax.Array], jax.Array]


class Oracle(NamedTuple):
  """A distribution over sequences of T tokens out of V.

  Attributes:
    log_probs: tokens int32 [n, T] -> float32 [n, T, V], log p(. | tokens[:,
      :t]) at each t; a pure function that can be jitted
    sample: (np.random.RandomState, n) -> np.int32 [n, T]; row i depends on the
      state and on i, not on n
    grammatical: np tokens [n, T] -> bool [n], or None if all sequences are
      legal
    classes: the classes of its sequences; None without
  """

  log_probs: Callable[[jax.Array], jax.Array]
  sample: Callable[[np.random.RandomState, int], np.ndarray]
  grammatical: Callable[[np.ndarray], np.ndarray] | None
  classes: OracleClasses | None = None


def lstm_oracle(
  *,
  vocab_size: int = 5000,
  length: int = 20,
  dim: int = 32,
  seed: int = ORACLE_SEED,
  file: str = '',
) -> Oracle:
  """Builds the LSTM oracle with drawn or loaded parameters.

  Args:
    vocab_size: V; all classes are words.
    length: T.
    dim: size of the embedding and of the hidden state; 32 in SeqGAN.
    seed: seed of the parameters; unused with a file.
    file: .npz file with the arrays that `shapes` names, or ''.

  Returns:
    An Oracle whose `grammatical` is None.

  Raises:
    UserError: a size is out of range, the file cannot be read, or an array in
      it is missing, is not finite or does not have the shape for `vocab_size`
      and `dim`.
  """
  if vocab_size < 2 or length < 1 or dim < 1:
    raise UserError(
      f'oracle with vocab_size={vocab_size}, length={length}, dim={dim}:'
      ' it needs at least 2 words, length 1 and dimension 1'
    )
  if file:
    params = load_params(file, vocab_size, dim)
  else:
    params = draw_params(seed, vocab_size, dim)
  joint = join_gates(params)

  def log_probs(tokens: jax.Array) -> jax.Array:
    return _log_probs({k: jnp.asarray(v) for k, v in joint.items()}, tokens)

  def sample(rng: np.random.RandomState, n: int) -> np.ndarray:
    return _sample(joint, rng.random_sample((n, length)))

  return Oracle(log_probs, sample, None)


def shapes(vocab_size: int, dim: int) -> dict[str, tuple[int, ...]]:
  """Returns the shape of every parameter by name, in the order of the draws."""
  sizes: dict[str, tuple[int, ...]] = {'embedding': (vocab_size, dim)}
  for gate in GATES:
    sizes |= {
      f'w{gate}': (dim, dim),
      f'u{gate}': (dim, dim),
      f'b{gate}': (dim,),
    }
  return sizes | {'wo': (dim, vocab_size), 'bo': (vocab_size,)}


def draw_params(seed: int, vocab_size: int, dim: int) -> dict[str, np.ndarray]:
  """Draws N(0, 1) parameters, float32.

  NumPy draws them, so they do not depend on the version of JAX.
  """
  rng = np.random.RandomState(seed)
  return {
    name: rng.standard_normal(shape).astype(np.float32)
    for name, shape in shapes(vocab_size, dim).items()
  }


def load_params(file: str, vocab_size: int, dim: int) -> dict[str, np.ndarray]:
  """Reads the parameters from an .npz file; see `lstm_oracle` for errors."""
  try:
    with np.load(expand(file), allow_pickle=False) as archive:
      arrays = {name: archive[name] for name in archive.files}
  except FileNotFoundError:
    raise UserError(
      f'oracle file {file}: it does not exist; check the path'
    ) from None
  except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile):
    # TypeError: a .npy file loads as an array, which is no context manager.
    raise UserError(
      f'oracle file {file}: it is no readable .npz file; save the parameters by'
      ' numpy.savez'
    ) from None
  params = {}
  for name, shape in shapes(vocab_size, dim).items():
    if name not in arrays:
      raise UserError(
        f'oracle file {file}: array {name!r} is missing; it needs '
        + ', '.join(shapes(vocab_size, dim))
      )
    array = arrays[name]
    if array.shape != shape:
      raise UserError(
        f'oracle file {file}: array {name!r} has shape {array.shape},'
        f' expected {shape} for {vocab_size} words and dimension {dim}'
      )
    if array.dtype.kind != 'f' or not np.isfinite(array).all():
      raise UserError(
        f'oracle file {file}: array {name!r} must hold finite real numbers'
      )
    params[name] = array.astype(np.float32)
  return params


def join_gates(params: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
  """Concatenates the parameters of the four gates to [..., 4 * dim]."""
  return {
    'embedding': params['embedding'],
    'w': np.concatenate([params[f'w{gate}'] for gate in GATES], -1),
    'u': np.concatenate([params[f'u{gate}'] for gate in GATES], -1),
    'b': np.concatenate([params[f'b{gate}'] for gate in GATES], -1),
    'wo': params['wo'],
    'bo': params['bo'],
  }


def inverse_cdf(cdf: np.ndarray, uniform: np.ndarray) -> np.ndarray:
  """Samples classes by the inverse of their cumulative distribution.

  Args:
    cdf: [n, V], cumulative sums of non-negative weights that need not be
      normalised.
    uniform: [n] in [0, 1).

  Returns:
    int [n], the first class whose cumulative share exceeds `uniform`.
  """
  return (cdf > (uniform * cdf[:, -1])[:, None]).argmax(1)


# TF32 or bfloat16 would change the true probabilities.
@full_precision
def _log_probs(joint: dict[str, jax.Array], tokens: jax.Array) -> jax.Array:
  """Computes log-probabilities [n, T, V] of tokens [n, T].

  One matrix product computes the logits of all T states.
  """
  previous = jnp.pad(tokens[:, :-1], ((0, 0), (1, 0)))  # start token 0
  inputs = joint['embedding'][previous] @ joint['w']
  inputs = inputs + joint['b'].reshape(1, 1, -1)

  def cell(carry, x):
    hidden, memory = carry
    i, f, o, c = jnp.split(x + hidden @ joint['u'], 4, -1)
    memory = jax.nn.sigmoid(f) * memory + jax.nn.sigmoid(i) * jnp.tanh(c)
    hidden = jax.nn.sigmoid(o) * jnp.tanh(memory)
    return (hidden, memory), hidden

  zeros = jnp.zeros((tokens.shape[0], joint['u'].shape[0]))
  _, hidden = recurrence.unroll(cell, (zeros, zeros), inputs)
  logits = hidden @ joint['wo'] + joint['bo'].reshape(1, 1, -1)
  return jax.nn.log_softmax(logits)


def _sample(joint: dict[str, np.ndarray], uniform: np.ndarray) -> np.ndarray:
  """Converts uniform numbers [n, T] to tokens int32 [n, T] by the inverse CDF.

  In float64 the rounding of a machine changes a token only if a uniform number
  is within about 1e-14 of a boundary, which has negligible probability.
  """
  n, length = uniform.shape
  joint = {name: array.astype(np.float64) for name, array in joint.items()}
  vocab_size, dim = joint['embedding'].shape
  inputs = joint['embedding'] @ joint['w'] + joint['b']
  tokens = np.zeros((n, length), np.int32)
  rows = max(1, MAX_CHUNK // vocab_size)
  for first in range(0, n, rows):
    part = uniform[first : first + rows]
    previous = np.zeros(len(part), np.int32)
    hidden = memory = np.zeros((len(part), dim))
    for t in range(length):
      i, f, o, c = np.split(inputs[previous] + hidden @ joint['u'], 4, 1)
      memory = _sigmoid(f) * memory + _sigmoid(i) * np.tanh(c)
      hidden = _sigmoid(o) * np.tanh(memory)
      weights = hidden @ joint['wo']
      weights += joint['bo']
      weights -= weights.max(1, keepdims=True)
      np.exp(weights, out=weights)
      np.cumsum(weights, axis=1, out=weights)
      previous = inverse_cdf(weights, part[:, t])
      tokens[first : first + rows, t] = previous
  return tokens


def _sigmoid(x: np.ndarray) -> np.ndarray:
  return 0.5 * (1 + np.tanh(0.5 * x))  # does not overflow, unlike exp(-x)
