"""Rows of a benchmark, as a table for the eye or a list for a program."""

import json
from collections.abc import Sequence
from typing import NamedTuple

from benchmarks.timing import Timing


class Row(NamedTuple):
  """One measurement; None where there is nothing to say.

  name: what was measured
  timing: seconds of one of it
  tokens: positions of text that it reads or writes, padding included
  gflop: the products that it needs, see `flops`
  peak_bytes: memory of the compiled program: arguments, what it works with,
    results that do not take the place of arguments; of the last row, the
    process
  cold, warm: seconds to trace and compile, with an empty cache on disk and
    with one that has the program
  """

  name: str
  timing: Timing | None = None
  tokens: float | None = None
  gflop: float | None = None
  peak_bytes: int | None = None
  cold: float | None = None
  warm: float | None = None

  def rate(self, amount: float | None) -> float | None:
    """An amount a second."""
    if amount is None or self.timing is None:
      return None
    return amount / self.timing.median

  def share(self, best: float | None) -> float | None:
    """Of the best rate of products, in GFLOP/s."""
    rate = self.rate(self.gflop)
    return None if rate is None or not best else rate / best


def records(rows: Sequence[Row], setting: str, best: float | None) -> str:
  """JSON: a list with an entry for each row and each compilation.

  Args:
    setting: stands in every name, as a number means nothing without it
    best: GFLOP/s of the best products
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
  """A table in Markdown; a column that says nothing is left out."""

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

  body = [cells(row) for row in rows]
  kept = [i for i in range(len(_HEADS)) if any(line[i] for line in body)]
  rule = ['---'] + ['---:'] * (len(_HEADS) - 1)
  lines = [_HEADS, rule, *body]
  return '\n'.join(
    '| ' + ' | '.join(line[i] for i in kept) + ' |' for line in lines
  )


def number(x: float | None) -> str:
  """Three digits, without an exponent."""
  if x is None:
    return ''
  return f'{x:,.0f}' if abs(x) >= 100 else f'{x:.3g}'
