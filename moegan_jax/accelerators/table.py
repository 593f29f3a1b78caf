"""Formats the facts about compiled phases for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

Facts = Mapping[str, Any]  # of `facts.collect`
_COLUMNS = (
  'phase',
  'compile s',
  'args MB',
  'temp MB',
  'aliased MB',
  'of memory',
  'GFLOP',
  'GB moved',
  'kernels',
  'bound ms',
)
_KINDS = 5  # kinds of kernels that are listed
_LABEL = 16  # characters of the labels of details
NOTES = """\
Counts of one iteration on one device, and bounds from them. Nothing was run.
args: state and data. temp: working memory. aliased: outputs that are stored
  in the memory of args.
of memory: all memory of the program, as a share of the device's.
GFLOP: matrix products, counted before compilation.
GB moved: operands and results of all kernels, as if nothing stayed in caches.
kernels: fusions, custom calls, copies and others, times the trip counts of
  their loops; a range where branches of a conditional differ.
bound: the largest of products / peak rate, bytes / bandwidth{launches}.
one pass: what the compiler states; it counts each loop body once."""


def table(facts: Sequence[Facts], launch: float) -> str:
  """Formats all phases: a row for each, details, and notes.

  Args:
    facts: of each phase.
    launch: assumed seconds per launch; 0 if launches take no time.
  """
  launches = f', kernels x {launch * 1e6:g} us (assumed)' if launch else ''
  parts = [grid([_COLUMNS, *(_row(one) for one in facts)])]
  parts += [details(one) for one in facts]
  parts.append(NOTES.format(launches=launches))
  return '\n\n'.join(parts)


def grid(rows: Sequence[Sequence[str]]) -> str:
  """Aligns rows: the first column to the left, the others to the right."""
  widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
  lines = []
  for first, *rest in rows:
    cells = [c.rjust(w) for c, w in zip(rest, widths[1:], strict=True)]
    lines.append('  '.join([first.ljust(widths[0]), *cells]).rstrip())
  return '\n'.join(lines)


def details(one: Facts) -> str:
  """Formats the details of a phase."""
  bound, one_pass = one['bound'], one['compiler_one_pass']
  lines = [
    one['phase'],
    _line(
      'bound',
      f'{_ms(bound["seconds"])} ms by {bound["by"]}: products '
      f'({bound["factors"]}) {_ms(bound["products"])}, memory '
      f'{_ms(bound["memory"])}'
      + f', launches {_ms(bound["launches"])}'
      * bool(bound['launches']),
    ),
    _line('kernels', _many(one['kernels']['by_kind'])),
    *(_loop(loop) for loop in one['loops']),
    _line('collectives', _sums(one['collectives'])),
  ]
  if one_pass:
    units = (('flops', 'GFLOP'), ('bytes', 'GB'))
    text = [f'{_number(one_pass[k] / 1e9)} {u}' for k, u in units]
    lines.append(_line('one pass', ', '.join(text)))
  for key in ('host_transfers', 'dynamic_shapes'):
    if one[key]:
      lines.append(_line(key.replace('_', ' '), str(one[key])))
  return '\n'.join(lines)


def _row(one: Facts) -> list[str]:
  memory, kernels = one['memory'], one['kernels']
  least, most = kernels['least'], kernels['most']
  return [
    one['phase'],
    f'{one["compile_seconds"]:,.1f}',
    *(_mb(memory[key]) for key in ('arguments', 'temporaries', 'aliased')),
    f'{memory["share_of_device"]:.1%}',
    _number(one['products_flops'] / 1e9),
    _number(one['accessed_bytes'] / 1e9),
    f'{most:,}' if least == most else f'{least:,}-{most:,}',
    _ms(one['bound']['seconds']),
  ]


def _loop(loop: Facts) -> str:
  """Describes a loop; one inside of another is indented."""
  trips = '? (counted once)' if loop['trips'] is None else loop['trips']
  indent = '  ' * loop['depth']
  return _line(
    'loop',
    f'{indent}{trips} trips, {loop["kernels_per_trip"]:,} kernels each',
  )


def _many(numbers: Mapping[str, int]) -> str:
  """Lists the most frequent kinds, and the sum of the others."""
  first = dict(list(numbers.items())[:_KINDS])
  rest = sum(numbers.values()) - sum(first.values())
  if rest:
    first['others'] = rest
  return ', '.join(f'{kind} {n:,}' for kind, n in first.items()) or 'none'


def _sums(collectives: Mapping[str, Facts]) -> str:
  text = [
    f'{kind} {found["number"]:,} ({_mb(found["bytes"])} MB)'
    for kind, found in collectives.items()
  ]
  return ', '.join(text) or 'none'


def _line(label: str, text: str) -> str:
  return f'  {label:<{_LABEL}}{text}'


def _ms(seconds: float) -> str:
  return _number(seconds * 1e3)


def _mb(size: float) -> str:
  return _number(size / 1e6)


def _number(value: float) -> str:
  """Formats a number with about three digits, without an exponent."""
  if value >= 100:
    return f'{value:,.0f}'
  if value >= 10:
    return f'{value:.1f}'
  return f'{value:.3g}' if value >= 0.001 or not value else '<.001'
