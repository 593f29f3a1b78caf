"""Facts about a compiled phase: counts, and a lower bound of its time."""

from typing import Any

from moegan_jax.accelerators import hlo_counts
from moegan_jax.accelerators.hlo_counts import Counts, Iteration
from moegan_jax.accelerators.hlo_text import parse
from moegan_jax.accelerators.lowering import ChunkProgram
from moegan_jax.accelerators.targets import Accelerator


def collect(
  program: ChunkProgram, device: Accelerator, precision: str
) -> dict[str, Any]:
  """Collects the facts about a program.

  Args:
    program: the compiled chunk of a phase.
    device: the accelerator it is compiled for.
    precision: the setting of this name.

  Returns:
    Name -> value that JSON can hold. All counts are those of one iteration on
    one device.
  """
  module = parse(program.text)
  found = hlo_counts.iteration(module)
  return {
    'phase': program.phase,
    'compile_seconds': round(program.seconds, 3),
    'devices': program.devices,
    'memory': {
      **program.memory._asdict(),
      'total': program.memory.total,
      'share_of_device': program.memory.total / device.memory,
    },
    'products_flops': program.products,
    'accessed_bytes': found.most.accessed,
    'compiler_one_pass': program.one_pass,
    'kernels': {
      'most': found.most.launches,
      'least': found.least.launches,
      'by_kind': dict(found.most.kernels.most_common()),
    },
    'loops': _loops(found),
    'collectives': _collectives(found.most),
    'bound': bound(program.products, found.least, device, precision),
    'host_transfers': len(hlo_counts.transfers(module)),
    'dynamic_shapes': len(hlo_counts.dynamic(module)),
  }


def bound(
  products: float, counts: Counts, device: Accelerator, precision: str
) -> dict[str, Any]:
  """Bounds the time of an iteration from below.

  Args:
    products: floating-point operations of the products.
    counts: what an iteration does at least.
    device: the accelerator.
    precision: the setting of this name.

  Returns:
    Seconds for the products at the peak rate, for the memory accesses at the
    peak bandwidth, and for the launches; the largest of them as `seconds`, and
    its name as `by`.
  """
  factors, rate = device.rate(precision)
  parts = {
    'products': products / rate,
    'memory': counts.accessed / device.bandwidth,
    'launches': counts.launches * device.launch,
  }
  by = max(parts, key=lambda name: parts[name])
  return {**parts, 'seconds': parts[by], 'by': by, 'factors': factors}


def _loops(found: Iteration) -> list[dict[str, Any]]:
  return [
    {
      'runs': loop.runs,
      'trips': loop.trips,
      'kernels_per_trip': loop.each.launches,
      'depth': loop.depth,
    }
    for loop in found.loops
  ]


def _collectives(counts: Counts) -> dict[str, Any]:
  return {
    kind: {'number': number, 'bytes': counts.sent[kind]}
    for kind, number in counts.collectives.most_common()
  }
