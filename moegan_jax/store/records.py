"""What a run leaves to read: metrics.jsonl, TensorBoard events, samples."""

import contextlib
import json
import math
import os
import pathlib
import time
from collections.abc import Iterable, Mapping
from typing import Any

from moegan_jax import errors
from moegan_jax.files import floats, jsonable, write_text
from moegan_jax.store import schema

RESERVED = ('kind', 'phase', 'step', 'time')


class RecordWriter:
  """Writes the records of a run, one flat JSON object a line.

  A record is {'kind': 'train', 'eval' or 'event', 'phase', 'step', 'time'
  (seconds since 1970), name: a number, or a list of numbers over the seeds}.
  """

  def __init__(self, path: str | os.PathLike, tensorboard: bool = True):
    """Opens the records of a run; nothing is written yet.

    Args:
      path: the folder of the run.
      tensorboard: write events as well, under tensorboard/.
    """
    self.path = pathlib.Path(path)
    self.metrics = self.path / schema.METRICS
    self._tensorboard = tensorboard
    self._file = None
    self._events = None
    self._purge = None

  def write(
    self,
    kind: str,
    phase: str,
    step: int,
    metrics: Mapping[str, Any],
    at: float | None = None,
  ) -> None:
    """Appends a record.

    Args:
      kind: 'train', 'eval' or 'event'.
      phase: the phase of training; TensorBoard's tag is `phase/name`.
      step: the global step.
      metrics: name -> scalar or [seeds]; TensorBoard gets the mean
        of those that are finite.
      at: when it was, in seconds since 1970; None is now.

    Raises:
      UserError: the file cannot be written.
    """
    taken = [name for name in metrics if name in RESERVED]
    if taken:
      raise ValueError(f'{taken[0]!r} is not free as the name of a metric')
    values = {name: _numbers(value) for name, value in metrics.items()}
    record = {'kind': kind, 'phase': phase, 'step': int(step)}
    now = time.time() if at is None else at
    record |= {'time': round(now, 3)} | jsonable(values)
    try:
      if self._file is None:
        self._open()
      self._file.write(json.dumps(record, allow_nan=False) + '\n')
      self._file.flush()
      if self._tensorboard:
        self._add_events(phase, int(step), values)
    except OSError as error:
      raise errors.UserError(
        f'cannot write {self.metrics}: {error.strerror}'
      ) from error

  def samples(self, phase: str, step: int, sentences: Iterable[str]) -> None:
    """Writes samples/PHASE-STEP.txt, one sentence a line.

    Raises:
      UserError: the file cannot be written.
    """
    folder = self.path / schema.SAMPLES
    try:
      folder.mkdir(exist_ok=True)
    except OSError as error:
      raise errors.UserError(
        f'cannot write to {folder}: {error.strerror}'
      ) from error
    # A line break within a sentence would make two sentences of it.
    lines = [
      text.replace('\r', ' ').replace('\n', ' ') + '\n' for text in sentences
    ]
    write_text(folder / f'{phase}-{int(step)}.txt', ''.join(lines))

  def read(self) -> list[dict]:
    """All records; a last line that was torn off is left out.

    Raises:
      UserError: another line is no record.
    """
    if not self.metrics.exists():
      return []
    *lines, _ = self.metrics.read_bytes().split(b'\n')  # _: '' or torn
    records = []
    for number, line in enumerate(lines, 1):
      try:
        record = json.loads(line)
        record['step'] = int(record['step'])
      except (ValueError, TypeError, KeyError):
        if number == len(lines):  # a crash of the machine may tear it so
          break
        raise errors.UserError(
          f'{self.metrics}, line {number}, is no record; mend or remove it'
        ) from None
      records.append(
        {k: v if k in RESERVED else floats(v) for k, v in record.items()}
      )
    return records

  def rewind(self, step: int) -> None:
    """Forgets all records and samples after `step`, when a run resumes.

    What was recorded at `step` itself stays: write a record before the
    checkpoint of its step. TensorBoard is told to drop later events.

    Raises:
      UserError: a line of metrics.jsonl is no record.
    """
    self.close()
    self._purge = step + 1
    if self.metrics.exists():
      self._rewrite([r for r in self.read() if r['step'] <= step])
    for path in (self.path / schema.SAMPLES).glob('*-*.txt'):
      tail = path.stem.rpartition('-')[2]
      if tail.isdecimal() and int(tail) > step:
        path.unlink()

  def close(self) -> None:
    """Closes the files; a later `write` opens them again."""
    for file in (self._file, self._events):
      if file is not None:
        with contextlib.suppress(OSError):  # all of it was flushed before
          file.close()
    self._file = self._events = None

  def _open(self) -> None:
    if self.metrics.exists():
      text = self.metrics.read_bytes()
      if text and not text.endswith(b'\n'):  # never append to a torn line
        self._rewrite(self.read())
    self._file = self.metrics.open('a', encoding='utf-8')

  def _rewrite(self, records: list[dict]) -> None:
    lines = [json.dumps(jsonable(r), allow_nan=False) for r in records]
    write_text(self.metrics, ''.join(line + '\n' for line in lines))

  def _add_events(self, phase: str, step: int, values: dict) -> None:
    from tensorboardX.proto.event_pb2 import Event, SessionLog
    from tensorboardX.summary import scalar

    # Not `SummaryWriter`: it writes in a thread, which a full disk or a clock
    # set back ends, and then waits for that thread for ever.
    if self._events is None:
      self._events = _open_events(self.path / schema.TENSORBOARD)
      if self._purge is not None:
        start = SessionLog(status=SessionLog.START)
        event = Event(wall_time=time.time(), step=self._purge)
        event.session_log.CopyFrom(start)
        self._events.write_event(event)
    for name, value in values.items():
      over_seeds = value if isinstance(value, list) else [value]
      over_seeds = [v for v in over_seeds if math.isfinite(v)] or over_seeds
      if over_seeds:
        mean = sum(over_seeds) / len(over_seeds)
        event = Event(wall_time=time.time(), step=step)
        event.summary.CopyFrom(scalar(f'{phase}/{name}', mean))
        self._events.write_event(event)
    self._events.flush()


def _open_events(folder: pathlib.Path):
  from tensorboardX.event_file_writer import EventsWriter

  folder.mkdir(exist_ok=True)
  # The files' names have seconds only: a quick restart would overwrite.
  return EventsWriter(str(folder / 'events'), f'.{time.time_ns()}')


def _numbers(value: Any) -> Any:
  """A scalar or a vector over the seeds as plain numbers."""
  value = value.tolist() if hasattr(value, 'tolist') else value
  if isinstance(value, list | tuple):
    return [_numbers(v) for v in value]
  return value if isinstance(value, int) else float(value)
