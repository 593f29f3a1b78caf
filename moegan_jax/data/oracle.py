"""Known distributions over token sequences, and the LSTM oracle among them.

An oracle is what a language GAN can be measured against exactly: it gives
samples to train on and the true probability of whatever a model writes.

The LSTM oracle is that of SeqGAN (Yu et al., AAAI 2017, section 4): a
randomly initialised LSTM whose parameters are all N(0, 1). It has one bias a
gate, a zero initial state, start token 0, a fixed length and no end symbol;
all V tokens, 0 too, are words.
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

# Published oracles differ by +-.15 nats from draw to draw, so one draw is
# fixed here for good. Its entropy in nats a token (10,000 samples, standard
# error .005 at length 20, .004 at 40), beside that of the parameters that
# SeqGAN ships:
#                                    length 20   length 40
#   seed 0, V 5000, dim 32             5.962       5.941
#   seed 0, V 500, dim 32              3.974       3.969
#   SeqGAN's file, V 5000, dim 32      5.744       5.722
ORACLE_SEED = 0

GATES = ('i', 'f', 'og', 'c')  # input, forget, output, cell candidate
MAX_CHUNK = 1 << 20  # probabilities held at once while sampling: 8 MB


class Oracle(NamedTuple):
  """A distribution over sequences of T tokens out of V.

  log_probs: tokens int32 [n, T] -> float32 [n, T, V], log p(. | tokens[:, :t])
    at each t; pure, can be jitted
  sample: (np.random.RandomState, n) -> np.int32 [n, T]; row i depends on the
    state and on i only, not on n
  grammatical: np tokens [n, T] -> bool [n], or None where every sequence is
    as good as any other
  """

  log_probs: Callable[[jax.Array], jax.Array]
  sample: Callable[[np.random.RandomState, int], np.ndarray]
  grammatical: Callable[[np.ndarray], np.ndarray] | None


def lstm_oracle(
  *,
  vocab_size: int = 5000,
  length: int = 20,
  dim: int = 32,
  seed: int = ORACLE_SEED,
  file: str = '',
) -> Oracle:
  """The LSTM oracle, drawn from `seed` or loaded from `file`.

  Args:
    vocab_size: V; all classes are words.
    length: T.
    dim: size of the embedding and of the hidden state; 32 in SeqGAN.
    seed: of the NumPy draw; not used with a file.
    file: an .npz with the arrays that `shapes` names.

  Returns:
    An Oracle without a `grammatical`.

  Raises:
    UserError: the file cannot be read, or an array in it is missing, not
      finite or not of the shape that `vocab_size` and `dim` ask for.
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
  """Name and shape of every parameter, in the order in which they are drawn."""
  sizes = {'embedding': (vocab_size, dim)}
  for gate in GATES:
    sizes |= {
      f'w{gate}': (dim, dim),
      f'u{gate}': (dim, dim),
      f'b{gate}': (dim,),
    }
  return sizes | {'wo': (dim, vocab_size), 'bo': (vocab_size,)}


def draw_params(seed: int, vocab_size: int, dim: int) -> dict[str, np.ndarray]:
  """N(0, 1) parameters, float32; from NumPy, so that no jax version matters."""
  rng = np.random.RandomState(seed)
  return {
    name: rng.standard_normal(shape).astype(np.float32)
    for name, shape in shapes(vocab_size, dim).items()
  }


def load_params(file: str, vocab_size: int, dim: int) -> dict[str, np.ndarray]:
  """The parameters in an .npz file; raises UserError as `lstm_oracle` says."""
  try:
    with np.load(expand(file), allow_pickle=False) as archive:
      arrays = {name: archive[name] for name in archive.files}
  except FileNotFoundError:
    raise UserError(f'oracle file {file}: there is no such file') from None
  except (OSError, ValueError, EOFError, TypeError, zipfile.BadZipFile):
    # TypeError: a lone .npy loads as an array, which `with` does not take.
    raise UserError(f'oracle file {file}: not a readable .npz file') from None
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
  """The four gates side by side, [.., 4 dim], and the rest as it is."""
  return {
    'embedding': params['embedding'],
    'w': np.concatenate([params[f'w{gate}'] for gate in GATES], -1),
    'u': np.concatenate([params[f'u{gate}'] for gate in GATES], -1),
    'b': np.concatenate([params[f'b{gate}'] for gate in GATES], -1),
    'wo': params['wo'],
    'bo': params['bo'],
  }


def inverse_cdf(cdf: np.ndarray, uniform: np.ndarray) -> np.ndarray:
  """The first class whose cumulative share exceeds `uniform`.

  Args:
    cdf: [n, V], rising; the last column is the total, of any size.
    uniform: [n] in [0, 1).

  Returns:
    int [n].
  """
  return (cdf > (uniform * cdf[:, -1])[:, None]).argmax(1)


# The truth must not wobble with TF32 or bfloat16.
@full_precision
def _log_probs(joint: dict[str, jax.Array], tokens: jax.Array) -> jax.Array:
  """[n, T] -> [n, T, V]; one product reads out all T states together."""
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
  """Uniform numbers [n, T] -> tokens int32 [n, T], by the inverse CDF.

  In float64: a draw then depends on the machine's rounding only if a uniform
  number falls within about 1e-14 of a boundary, that is, never.
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
  return 0.5 * (1 + np.tanh(0.5 * x))  # never overflows
