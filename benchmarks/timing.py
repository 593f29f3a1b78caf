"""Timing, memory, and the best rate of matrix products of the machine."""

import contextlib
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.compilation_cache import compilation_cache

from benchmarks.work import Product

SHAPES = 8  # number of product shapes to time, those with the most operations
LONG = 0.1  # minimal duration of a measurement in seconds
# Settings of JAX's compilation cache that make it keep every program.
_CACHE = {
  'jax_persistent_cache_min_compile_time_secs': 0,
  'jax_persistent_cache_min_entry_size_bytes': -1,
}


class Timing(NamedTuple):
  """Seconds of repeated calls.

  Attributes:
    median: median of the repeats
    low: lower quartile
    high: upper quartile
  """

  median: float
  low: float
  high: float

  def over(self, count: float) -> 'Timing':
    """Returns the time of one of `count` equal parts."""
    return Timing(*(x / count for x in self))


def timed(call: Callable[[], Any], repeats: int) -> Timing:
  """Times several calls.

  Args:
    call: returns a pytree of arrays, which is waited for. Call it once before,
      because the first call also allocates memory.
    repeats: number of calls
  """
  seconds = []
  for _ in range(repeats):
    begin = time.perf_counter()
    jax.block_until_ready(call())
    seconds.append(time.perf_counter() - begin)
  low, median, high = np.percentile(seconds, (25, 50, 75))
  return Timing(float(median), float(low), float(high))


@contextlib.contextmanager
def empty_cache() -> Iterator[None]:
  """Uses a temporary compilation cache on disk, which is empty at first."""
  names = ('jax_compilation_cache_dir', *_CACHE)
  before = {name: getattr(jax.config, name) for name in names}
  with tempfile.TemporaryDirectory() as folder:
    try:
      for name, value in {names[0]: folder, **_CACHE}.items():
        jax.config.update(name, value)
      compilation_cache.reset_cache()
      yield
    finally:
      for name, value in before.items():
        jax.config.update(name, value)
      compilation_cache.reset_cache()


def nbytes(tree: Any) -> int:
  """Returns the bytes of all arrays of a pytree."""
  return sum(x.size * x.dtype.itemsize for x in jax.tree.leaves(tree))


def resident_peak() -> int:
  """Returns the peak memory of this process in bytes.

  On an accelerator it is the peak memory of the device, if known.
  """
  stats = jax.devices()[0].memory_stats()
  if stats and 'peak_bytes_in_use' in stats:
    return stats['peak_bytes_in_use']
  unit = 1 if sys.platform == 'darwin' else 1024
  return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def largest(products: Iterable[Product], count: int = SHAPES) -> list[Product]:
  """Returns the shapes with the most operations; equal shapes are merged."""
  shapes: dict[tuple, Product] = {}
  for p in products:
    shape = (p.m, p.k, p.n)
    known = shapes.get(shape, Product(*shape, 0))
    shapes[shape] = known._replace(times=known.times + p.times)
  return sorted(shapes.values(), key=lambda p: -p.flop)[:count]


def product_rate(product: Product, repeats: int = 5) -> float:
  """Returns the best rate of `jnp.dot` for this size, in GFLOP/s."""
  # From NumPy, because JAX would compile a generator for each shape.
  rng = np.random.default_rng(0)
  left = jnp.asarray(rng.standard_normal((product.m, product.k), np.float32))
  right = jnp.asarray(rng.standard_normal((product.k, product.n), np.float32))
  dot = jax.jit(jnp.dot)

  def calls(count: int) -> float:
    begin = time.perf_counter()
    for _ in range(count):
      out = dot(left, right)
    jax.block_until_ready(out)
    return time.perf_counter() - begin

  calls(1)
  count = 1
  while (seconds := calls(count)) < LONG:
    count = max(2 * count, int(count * LONG / max(seconds, 1e-9)))
  best = min(seconds, *(calls(count) for _ in range(repeats)))
  return product._replace(times=count).flop / best / 1e9
