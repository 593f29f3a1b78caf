"""Rows of measurements, as a Markdown table or as JSON records."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.timing import Timing


class Row(NamedTuple):
  """One measurement; None for values that were not measured.

  Attributes:
    name: what was measured
    timing: seconds of one unit
    tokens: positions that it reads or writes, including padding
    gflop: operations of the products that it needs, see `flops`, in 1e9
    peak_bytes: memory of the compiled program: arguments, temporaries, and
      results that do not reuse the memory of arguments; in the last row, of the
      process
    cold: seconds to trace and compile, with an empty cache on disk
    warm: seconds to trace and compile, with the program in the cache
  """

  name: str
  timing: Timing | None = None
  tokens: float | None = None
  gflop: float | None = None
  peak_bytes: int | None = None
  cold: float | None = None
  warm: float | None = None

  def rate(self, amount: float | None) -> float | None:
    """Returns an amount per second."""
    if amount is None or self.timing is None:
      return None
    return amount / self.timing.median

  def share(self, best: float | None) -> float | None:
    """Returns the rate of products as a share of the best rate in GFLOP/s."""
    rate = self.rate(self.gflop)
    return None if rate is None or not best else rate / best


def records(rows: Sequence[Row], setting: str, best: float | None) -> str:
  """Returns JSON with an entry for each row and each compilation.

  Args:
    rows: the measurements
    setting: the settings they depend on, added to every name
    best: best rate of matrix products in GFLOP/s, if it was measured
  """
  found = []
  for row in rows:
    parts = [row]
    for kind, seconds in (('cold', row.cold), ('warm', row.warm)):
      if seconds is not None:
        timing = Timing(seconds, seconds, seconds)
        parts.append(Row(f'{row.name}, compilation, {kind}', timing))
    found += [
      {
        'name': f'{part.name} ({setting})',
        'seconds': part.timing and part.timing.median,
        'tokens_per_s': part.rate(part.tokens),
        'gflop': part.gflop,
        'gflops': part.rate(part.gflop),
        'matmul_share': part.share(best),
        'peak_bytes': part.peak_bytes,
      }
      for part in parts
    ]
  return json.dumps(found, indent=2, allow_nan=False)


_HEADS = (
  'what',
  'seconds',
  'quartiles',
  'tokens/s',
  'GFLOP',
  'GFLOP/s',
  'share',
  'peak MB',
  'compile s',
  'warm',
)


def markdown(rows: Sequence[Row], best: float | None) -> str:
  """Returns a Markdown table without its empty columns."""

  def cells(row: Row) -> list[str]:
    t, share = row.timing, row.share(best)
    return [
      row.name,
      number(t and t.median),
      '' if t is None else f'{number(t.low)}-{number(t.high)}',
      number(row.rate(row.tokens)),
      number(row.gflop),
      number(row.rate(row.gflop)),
      '' if share is None else f'{share:.0%}',
      number(row.peak_bytes and row.peak_bytes / 1e6),
      number(row.cold),
      number(row.warm),
    ]

  return grid(_HEADS, [cells(row) for row in rows])


def grid(heads: Sequence[str], body: Sequence[Sequence[str]]) -> str:
  """Returns a Markdown table without its empty columns."""
  kept = [i for i in range(len(heads)) if any(line[i] for line in body)]
  rule = ['---'] + ['---:'] * (len(heads) - 1)
  return '\n'.join(
    '| ' + ' | '.join(line[i] for i in kept) + ' |'
    for line in (heads, rule, *body)
  )


def number(x: float | None) -> str:
  """Formats a number with three digits and no exponent."""
  if x is None:
    return ''
  return f'{x:,.0f}' if abs(x) >= 100 else f'{x:.3g}'
