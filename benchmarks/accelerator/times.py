"""Times of training steps on the device, with counts and shares."""

from typing import Any

import jax

from benchmarks import cases, flops
from benchmarks.accelerator import checks
from benchmarks.cases import Case, Piece
from benchmarks.timing import largest, product_rate
from moegan_jax.accelerators import facts, hlo_counts, targets
from moegan_jax.accelerators.hlo_text import parse
from moegan_jax.config import override
from moegan_jax.train import loop

SEEDS = 5
WHOLE = tuple(cases.NAMES.values())  # the pieces that a run consists of
# Changes of the default, in the order of their worth.
VARIANTS: tuple[tuple[str, Any], ...] = (
  ('game.route', 'scan'),
  ('unroll', 1),
  ('unroll', 4),
  ('precision', 'float32'),
  ('precision', 'bfloat16'),
)


class Times:
  """Times the updates of a case and keeps what several sections need."""

  def __init__(self, case: Case, repeats: int):
    """Stores the arguments. Nothing is compiled.

    Args:
      case: the system and its text
      repeats: number of timed calls
    """
    self.case, self.repeats = case, repeats
    self.pieces = {piece.name: piece for piece in cases.pieces(case)}
    self.accelerator = targets.of_kind(device().device_kind)
    self._chunks: dict[str, loop.Compiled] = {}
    self._rows: dict[str, dict[str, Any]] = {}
    self._best: float | None = None

  def resume(self, name: str) -> dict[str, Any]:
    """Checks resumed training with an update; see `checks.resume`."""
    made = cases.prepare(self.case, self.pieces[name])
    return checks.resume(made, self._chunk(name, made))

  def products(self) -> dict[str, Any]:
    """Measures the best rate of products of the sizes in the formulas."""
    found = (p for piece in self.pieces.values() for p in piece.products or ())
    self._best = max(map(product_rate, largest(found)))
    return {'gflops': self._best}

  def step(self, name: str) -> dict[str, Any]:
    """Times an update and counts what it needs and launches.

    Args:
      name: name of a piece

    Returns:
      The values of a row, per step. `of_peak` is the share of the device's
      peak for the precision of products, `of_products` the share of the best
      rate of products alone, if they were measured.
    """
    if name in self._rows:
      return self._rows[name]
    piece = self.pieces[name]
    made = cases.prepare(self.case, piece)
    chunk = self._chunk(name, made)
    values: dict[str, Any] = {'program_bytes': made.peak_bytes(chunk)}
    timing = made.timing(chunk, piece.steps, self.repeats)
    values |= timing._asdict()
    counted = hlo_counts.iteration(parse(chunk.program.as_text() or ''))
    values['kernels'] = counted.most.launches / piece.steps
    if piece.products:
      gflop = self.case.config.num_seeds * flops.gflop(piece.products)
      rate = gflop / timing.median
      values |= {'gflop': gflop, 'gflops': rate}
      if self._best:
        values['of_products'] = rate / self._best
      if self.accelerator:
        precision = self.case.config.precision
        peak = self.accelerator.rate(precision)[1]
        values['of_peak'] = rate * 1e9 / peak
        bound = facts.bound(
          gflop * 1e9 * piece.steps, counted.least, self.accelerator, precision
        )
        values['bound'] = bound['seconds'] / piece.steps
        values['bound_by'] = bound['by']
    self._rows[name] = values
    return values

  def seeds(self, name: str) -> dict[str, Any]:
    """Times an update with one seed and with several."""
    one = self.step(name)['median']
    many = self._changed({'num_seeds': SEEDS}, name)
    return {**many, 'one': one, 'ratio': many['median'] / one}

  def variant(self, changes: dict[str, Any], name: str) -> dict[str, Any]:
    """Times an update with other settings, and relates it to the default."""
    default = self.step(name)['median']
    found = self._changed(changes, name)
    return {**found, 'one': default, 'ratio': found['median'] / default}

  def _chunk(self, name: str, made: cases.Prepared) -> loop.Compiled:
    if name not in self._chunks:
      self._chunks[name] = made.compiled()
    return self._chunks[name]

  def _changed(self, changes: dict[str, Any], name: str) -> dict[str, Any]:
    """Times an update of the case with other settings."""
    case, config = self.case, override(self.case.config, changes)
    spec = case.spec
    other = cases.build(config, spec.vocab_size, case.tokens, spec.pad)
    found = {piece.name: piece for piece in cases.pieces(other)}
    piece: Piece = found[name]
    made = cases.prepare(other, piece)
    chunk = made.compiled()
    peak = made.peak_bytes(chunk)
    timing = made.timing(chunk, piece.steps, self.repeats)
    return {**timing._asdict(), 'program_bytes': peak}


def device() -> jax.Device:
  """Returns the device that is checked and timed."""
  return jax.devices()[0]


def device_facts() -> dict[str, Any]:
  """Returns what JAX says about the device, and its description if known."""
  one = device()
  known = targets.of_kind(one.device_kind)
  return {
    'platform': one.platform,
    'kind': one.device_kind,
    'devices': jax.device_count(),
    'jax': jax.__version__,
    'backend': str(one.client.platform_version).splitlines()[0],
    'description': known and known.name,
    'peak_flops': known and known.flops,
  }
