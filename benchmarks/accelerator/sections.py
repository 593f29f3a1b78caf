"""Sections of steps that share a budget of time."""

import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

PASSED, FAILED, MEASURED = 'passed', 'failed', 'measured'
ERROR, SKIPPED = 'error', 'skipped'


class Step(NamedTuple):
  """One row of a section.

  Attributes:
    name: name of the row
    work: returns the values of the row; the key 'passed' makes it a check
  """

  name: str
  work: Callable[[], dict[str, Any]]


class Section(NamedTuple):
  """Steps that belong together.

  Attributes:
    name: key in the JSON
    share: part of the budget
    steps: in the order of their worth
  """

  name: str
  share: float
  steps: Sequence[Step]


def run(
  sections: Sequence[Section],
  seconds: float,
  note: Callable[[str], None],
  clock: Callable[[], float] = time.monotonic,
) -> Iterator[list[dict[str, Any]]]:
  """Runs the steps of all sections while the budget lasts.

  A section ends when its share and the shares before it are spent, so it
  inherits the time that earlier sections leave. A step starts only if the
  longest step of its section so far would still fit. A step that has started is
  not interrupted.

  Args:
    sections: the sections in order
    seconds: the budget of all sections
    note: prints a line before each step
    clock: returns seconds

  Yields:
    After each step the results of the sections so far: name, seconds and rows.
    A row has a name, a status, a reason where the status needs one, and the
    values of its step. An exception of a step becomes a row with the status
    'error'.
  """
  begin = clock()
  found: list[dict[str, Any]] = []
  end = begin
  for section in sections:
    end += section.share * seconds
    entered, longest = clock(), 0.0
    rows: list[dict[str, Any]] = []
    result = {'name': section.name, 'seconds': 0.0, 'rows': rows}
    found.append(result)
    for step in section.steps:
      started = clock()
      if started + longest >= end:
        rows.append(_skipped(step.name, started - begin, end - begin, longest))
      else:
        note(f'{section.name}: {step.name} ...')
        rows.append(_row(step))
        longest = max(longest, clock() - started)
      result['seconds'] = clock() - entered
      yield found


def _skipped(
  name: str, spent: float, limit: float, longest: float
) -> dict[str, Any]:
  """Returns the row of a step for which no time is left."""
  reason = f'{spent:,.0f} of {limit:,.0f} s are spent'
  if spent < limit:
    reason += f', and a step of this section took {longest:,.0f} s'
  return {'name': name, 'status': SKIPPED, 'reason': reason}


def _row(step: Step) -> dict[str, Any]:
  """Runs a step and returns its row."""
  try:
    values = step.work()
  except Exception as error:  # the measurements after it are still wanted
    traceback.print_exc()
    text = f'{type(error).__name__}: {error}'.splitlines()[0][:150]
    return {'name': step.name, 'status': ERROR, 'reason': text}
  passed = values.get('passed')
  status = MEASURED if passed is None else PASSED if passed else FAILED
  return {'name': step.name, 'status': status, **values}


def summary(found: Sequence[dict[str, Any]]) -> str:
  """Counts the rows by status, such as '3 passed, 5 measured'."""
  counts = Counter(row['status'] for s in found for row in s['rows'])
  return ', '.join(f'{count} {status}' for status, count in counts.items())


def good(found: Sequence[dict[str, Any]]) -> bool:
  """Returns whether no check failed and no step raised an exception."""
  bad = (FAILED, ERROR)
  return all(row['status'] not in bad for s in found for row in s['rows'])
