"""Streaming: batches from the host, for a corpus that stays off the device.

The host computes the row indices with the same functions and keys as the
compiled program. A streamed run therefore equals a resident run bit for bit,
and a resumed run needs only its step.
"""

import concurrent.futures
import functools

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.train import batches
from moegan_jax.train.mesh import Layout
from moegan_jax.types import Phase, TrainState

# Size of a block. Three exist at once: one in use, the next, and the one that
# the thread assembles.
BLOCK_BYTES = 32_000_000
# A larger corpus is always streamed.
RESIDENT_BYTES = 1_000_000_000


class Resident:
  """Keeps the whole corpus on the device.

  The permutation of an epoch is computed when a chunk begins in it, not in
  every chunk. Both are in the memory of the device.

  Attributes:
    source: the source for `loop.compile_chunk`.
  """

  def __init__(
    self,
    tokens: np.ndarray,
    phase: Phase,
    start: int,
    state: TrainState,
    layout: Layout | None = None,
  ):
    """Copies the corpus to the device.

    Args:
      tokens: the corpus, int [N, T].
      phase, start, state, layout: see `Stream`.
    """
    whole, n = np.asarray(tokens, np.int32), len(tokens)
    self.source = batches.shuffled(phase, start, n)
    self._start = start
    self._per_epoch = batches.steps_per_epoch(phase, n)
    self._epoch, self._order = -1, jnp.zeros((0, 0), jnp.int32)
    self._keys = np.asarray(jax.random.key_data(state.key))
    keyed = functools.partial(
      jax.random.wrap_key_data, impl=jax.random.key_impl(state.key)
    )
    orders = batches.epoch_orders(phase, start, n)
    self._orders = jax.jit(
      lambda keys, step: orders(keyed(keys), step),
      out_shardings=None if layout is None else layout.seeds,
    )
    self._corpus = (
      jnp.asarray(whole)
      if layout is None
      else jax.make_array_from_callback(
        whole.shape, layout.whole, lambda index: whole[index]
      )
    )

  def at(self, step: int) -> tuple[batches.Shuffled, int]:
    """Returns the data of a chunk, and its maximum number of iterations.

    Args:
      step: the global step at which the chunk begins.
    """
    epoch = (step - self._start) // self._per_epoch
    if epoch != self._epoch:
      self._epoch = epoch
      self._order = self._orders(self._keys, np.int32(step))
    return batches.Shuffled(self._corpus, self._order), 2**31 - 1

  def close(self) -> None:
    """Does nothing."""


class Stream:
  """Sends blocks of batches; a thread assembles the next block meanwhile.

  Attributes:
    source: the source for `loop.compile_chunk`.
  """

  source = batches.streamed()

  def __init__(
    self,
    tokens: np.ndarray,
    phase: Phase,
    start: int,
    state: TrainState,
    layout: Layout | None = None,
    block_bytes: int = BLOCK_BYTES,
  ):
    """Prepares the stream. The first call of `at` reads the corpus.

    Args:
      tokens: int [N, T], such as a memory-mapped file, which is read row by
        row.
      phase: the phase that is trained.
      start: the step at which the phase begins.
      state: on one device, with the axis over seeds; gives the keys.
      layout: sharding over several devices; None for one device.
      block_bytes: maximum size of a block. A block has at least one iteration.
    """
    self._tokens, self._phase, self._start = tokens, phase, start
    self._layout, self._end = layout, start + phase.steps
    self._impl = jax.random.key_impl(state.key)
    self._keys = np.asarray(jax.random.key_data(state.key))
    self._taken = phase.update.batches * phase.batch_size
    self._per_epoch = batches.steps_per_epoch(phase, len(tokens))
    self._size = block_shape(
      phase, len(self._keys), tokens.shape[1], block_bytes
    )[1]
    sampler = batches.rows(phase, start, len(tokens))
    keyed = functools.partial(jax.random.wrap_key_data, impl=self._impl)
    over_seeds = jax.vmap(lambda k, s: sampler.order(keyed(k), s), (0, None))
    over_steps = jax.vmap(lambda k, s: sampler.drawn(keyed(k), s), (None, 0))
    self._order = jax.jit(over_seeds)
    self._drawn = jax.jit(jax.vmap(over_steps, (0, None)))
    self._epoch: tuple[int, np.ndarray] = (-1, np.zeros(0))
    self._host = _host()
    self._thread = concurrent.futures.ThreadPoolExecutor(1)
    self._made: dict[int, concurrent.futures.Future] = {}

  def at(self, step: int) -> tuple[batches.Block, int]:
    """Returns the block of a chunk, and its maximum number of iterations.

    Args:
      step: the global step at which the chunk begins.
    """
    inside = [f for f in self._made if f <= step < f + self._size]
    first = inside[0] if inside else step
    following = first + self._size
    wanted = [first] + [following] * (following < self._end)
    self._made = {
      f: self._made.get(f) or self._thread.submit(self._block, f)
      for f in wanted
    }
    tokens = self._made[first].result()
    return batches.Block(tokens, jnp.int32(step - first)), following - step

  def close(self) -> None:
    """Stops the thread."""
    self._made = {}
    self._thread.shutdown(cancel_futures=True)

  def _block(self, first: int) -> jax.Array:
    """Assembles a block on the devices: int32 [seeds, n, k, B, T].

    Args:
      first: the global step of its first iteration.
    """
    phase = self._phase
    rows = self._rows(first).reshape(
      len(self._keys), self._size, phase.update.batches, phase.batch_size
    )

    def part(index: tuple[slice, ...] | None) -> np.ndarray:
      own = rows if index is None else rows[index[:4]]
      return np.asarray(self._tokens[own], np.int32)

    if self._layout is None:
      return jnp.asarray(part(None))
    shape = (*rows.shape, self._tokens.shape[1])
    return jax.make_array_from_callback(shape, self._layout.blocks, part)

  def _rows(self, first: int) -> np.ndarray:
    """Computes the rows of a block: int32 [seeds, n, k * B].

    Iterations beyond the end of the phase have zeros.
    """
    with jax.default_device(self._host):
      steps = np.arange(first, first + self._size, dtype=np.int32)
      if not self._phase.epochs:
        return np.asarray(self._drawn(self._keys, steps))
      rows = np.zeros((len(self._keys), self._size, self._taken), np.int32)
      for i, step in enumerate(steps[steps < self._end]):
        epoch, place = divmod(int(step) - self._start, self._per_epoch)
        if self._epoch[0] != epoch:
          self._epoch = epoch, np.asarray(self._order(self._keys, step))
        at = place * self._taken
        rows[:, i] = self._epoch[1][:, at : at + self._taken]
      return rows


def block_shape(
  phase: Phase, seeds: int, length: int, block_bytes: int = BLOCK_BYTES
) -> tuple[int, int, int, int, int]:
  """Returns the shape [seeds, n, k, B, T] of a block.

  Args:
    phase: the phase that is trained.
    seeds: number of seeds.
    length: T.
    block_bytes: maximum size of a block. A block has at least one iteration.
  """
  batches, size = phase.update.batches, phase.batch_size
  one = 4 * seeds * batches * size * length
  count = max(1, min(phase.steps, block_bytes // one))
  return seeds, count, batches, size, length


def streams(tokens: np.ndarray, streamed: bool) -> bool:
  """Returns whether a corpus is streamed.

  Args:
    tokens: the corpus, int [N, T].
    streamed: whether to stream a corpus of any size.
  """
  return streamed or tokens.nbytes > RESIDENT_BYTES


def feed(
  tokens: np.ndarray,
  phase: Phase,
  start: int,
  state: TrainState,
  layout: Layout | None,
  streamed: bool,
) -> Resident | Stream:
  """Creates the feed of a phase: a resident corpus or a stream.

  Args:
    tokens: the corpus, int [N, T].
    phase, start, state, layout: see `Stream`.
    streamed: whether to stream a corpus of any size.
  """
  kind = Stream if streams(tokens, streamed) else Resident
  return kind(tokens, phase, start, state, layout)


def _host() -> jax.Device:
  """Returns the CPU, or the default device if JAX may not use the CPU."""
  try:
    return jax.local_devices(backend='cpu')[0]
  except RuntimeError:  # JAX_PLATFORMS excludes the CPU
    return jax.local_devices()[0]
