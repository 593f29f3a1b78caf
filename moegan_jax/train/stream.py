"""Batches from the host, for a corpus that must not sit on the device.

The rows are those that the compiled program would draw: the same functions of
the same keys, computed on the host. So a streamed run equals a resident one bit
for bit, and a resumed one needs nothing but its step.
"""

import concurrent.futures
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.train import batches
from moegan_jax.train.mesh import Layout
from moegan_jax.types import Phase, TrainState

# A block on the device; three are alive at once: the one in use, the next one,
# and what the thread makes.
BLOCK_BYTES = 32_000_000
# A corpus beyond these is streamed unasked. On a CPU the number of lines counts
# too: a chunk of a resident corpus begins with the permutation of its epoch,
# and a CPU takes seconds to sort millions. A stream does it once an epoch.
RESIDENT_BYTES = 1_000_000_000
RESIDENT_LINES = 500_000


class Resident:
  """The whole corpus on the device."""

  source = None

  def __init__(self, tokens: np.ndarray, layout: Layout | None):
    whole = np.asarray(tokens, np.int32)
    self._corpus = (
      jnp.asarray(whole)
      if layout is None
      else jax.make_array_from_callback(
        whole.shape, layout.whole, lambda index: whole[index]
      )
    )

  def at(self, step: int) -> tuple[Any, int]:
    """The data of a chunk that begins at a step, and how long it may be."""
    del step
    return self._corpus, 2**31 - 1

  def close(self) -> None:
    pass


class Stream:
  """Blocks of batches; the next one is made while one is in use."""

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
    """Prepares the blocks; nothing is read yet.

    Args:
      tokens: [N, T], such as a memory-mapped file; only rows are read
      start: the step at which the phase begins
      state: of all seeds, on one device; the keys are taken from it
      layout: the devices, if several train
      block_bytes: of a block, which has one iteration at least
    """
    self._tokens, self._phase, self._start = tokens, phase, start
    self._layout, self._end = layout, start + phase.steps
    self._impl = jax.random.key_impl(state.key)
    self._keys = np.asarray(jax.random.key_data(state.key))
    self._taken = phase.update.batches * phase.batch_size
    self._per_epoch = batches.steps_per_epoch(phase, len(tokens))
    one = 4 * len(self._keys) * self._taken * tokens.shape[1]
    self._size = max(1, min(phase.steps, block_bytes // one))
    made = batches.rows(phase, start, len(tokens))
    keyed = functools.partial(jax.random.wrap_key_data, impl=self._impl)
    over_seeds = jax.vmap(lambda k, s: made.order(keyed(k), s), (0, None))
    over_steps = jax.vmap(lambda k, s: made.drawn(keyed(k), s), (None, 0))
    self._order = jax.jit(over_seeds)
    self._drawn = jax.jit(jax.vmap(over_steps, (0, None)))
    self._epoch: tuple[int, np.ndarray] = (-1, np.zeros(0))
    self._host = _host()
    self._thread = concurrent.futures.ThreadPoolExecutor(1)
    self._made: dict[int, concurrent.futures.Future] = {}

  def at(self, step: int) -> tuple[batches.Block, int]:
    """The data of a chunk that begins at a step, and how long it may be."""
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
    """Ends the thread."""
    self._made = {}
    self._thread.shutdown(cancel_futures=True)

  def _block(self, first: int) -> jax.Array:
    """int32 [seeds, n, k, B, T], where the program wants it."""
    phase = self._phase
    rows = self._rows(first).reshape(
      len(self._keys), self._size, phase.update.batches, phase.batch_size
    )

    def part(index: tuple[slice, ...]) -> np.ndarray:
      return np.asarray(self._tokens[rows[index[:4]]], np.int32)

    if self._layout is None:
      return jnp.asarray(part((slice(None),)))
    shape = (*rows.shape, self._tokens.shape[1])
    return jax.make_array_from_callback(shape, self._layout.blocks, part)

  def _rows(self, first: int) -> np.ndarray:
    """int32 [seeds, n, k * B]; what is beyond the end of the phase is 0."""
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


def feed(
  tokens: np.ndarray,
  phase: Phase,
  start: int,
  state: TrainState,
  layout: Layout | None,
  streamed: bool,
) -> Resident | Stream:
  """What gives a phase its batches; see `Stream`.

  Args:
    streamed: leave the corpus on the host, whatever its size
  """
  sorts = phase.epochs and jax.default_backend() == 'cpu'
  if (
    streamed
    or tokens.nbytes > RESIDENT_BYTES
    or (sorts and len(tokens) > RESIDENT_LINES)
  ):
    return Stream(tokens, phase, start, state, layout)
  return Resident(tokens, layout)


def _host() -> jax.Device:
  """The processor, where JAX may use it; else the device."""
  try:
    return jax.local_devices(backend='cpu')[0]
  except RuntimeError:  # JAX_PLATFORMS names the accelerator alone
    return jax.local_devices()[0]
