"""Writer of metrics.jsonl, TensorBoard events and sample files."""

import contextlib
import json
import math
import os
import pathlib
import time
from collections.abc import Iterable, Mapping
from typing import IO, Any

from moegan_jax import errors
from moegan_jax.files import jsonable, write_text
from moegan_jax.store import schema
from moegan_jax.store.reading import RECORD_KEYS, read_metrics


class RecordWriter:
  """Writes the records of a run, one flat JSON object per line.

  A record has the keys 'kind' ('train', 'eval' or 'event'), 'phase', 'step'
  and 'time' (seconds since 1970). Each further key is a metric: a number, or a
  list of numbers over the seeds.
  """

  def __init__(self, path: str | os.PathLike, tensorboard: bool = True):
    """Prepares a writer. The first record creates the files.

    Args:
      path: the folder of the run.
      tensorboard: whether to write TensorBoard events too.
    """
    self.path = pathlib.Path(path)
    self.metrics = self.path / schema.METRICS
    self._tensorboard = tensorboard
    self._file: IO[str] | None = None
    self._events: Any = None
    self._purge: int | None = None

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
      phase: name of the phase; the TensorBoard tag is `phase/name`.
      step: the global step.
      metrics: name -> scalar or [seeds]. TensorBoard gets the mean of the
        finite values.
      at: time in seconds since 1970; None for the current time.

    Raises:
      UserError: the file cannot be written.
    """
    reserved = [name for name in metrics if name in RECORD_KEYS]
    if reserved:
      raise ValueError(f'{reserved[0]!r} is reserved; rename the metric')
    values = {name: _numbers(value) for name, value in metrics.items()}
    record = {'kind': kind, 'phase': phase, 'step': int(step)}
    now = time.time() if at is None else at
    record |= {'time': round(now, 3)} | jsonable(values)
    try:
      if self._file is None:
        self._file = self._open()
      self._file.write(json.dumps(record, allow_nan=False) + '\n')
      self._file.flush()
      if self._tensorboard:
        self._add_events(phase, int(step), values)
    except OSError as error:
      raise errors.UserError(
        f'cannot write {self.metrics}: {error.strerror}; make its folder '
        'writable'
      ) from error

  def samples(self, phase: str, step: int, sentences: Iterable[str]) -> None:
    """Writes the samples of a step, one sentence per line.

    Args:
      phase: name of the phase; with several seeds, PHASE-seedN.
      step: the global step.
      sentences: the samples as text.

    Raises:
      UserError: the file cannot be written.
    """
    folder = self.path / schema.SAMPLES
    try:
      folder.mkdir(exist_ok=True)
    except OSError as error:
      raise errors.UserError(
        f'cannot write to {folder}: {error.strerror}; make the run folder '
        'writable'
      ) from error
    # Readers take each line for a sentence.
    lines = [
      text.replace('\r', ' ').replace('\n', ' ') + '\n' for text in sentences
    ]
    write_text(folder / f'{phase}-{int(step)}.txt', ''.join(lines))

  def read(self) -> list[dict]:
    """Returns all records; see `reading.read_metrics`."""
    return read_metrics(self.metrics)

  def rewind(self, step: int) -> None:
    """Deletes all records and samples after `step`, when a run resumes.

    Records of `step` itself stay, so a run must write them before the
    checkpoint of that step. TensorBoard drops the events of later steps.

    Args:
      step: the global step of the checkpoint; -1 deletes everything.

    Raises:
      UserError: a line of metrics.jsonl is not a record.
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
        with contextlib.suppress(OSError):  # all content was flushed before
          file.close()
    self._file = self._events = None

  def _open(self) -> IO[str]:
    if self.metrics.exists():
      text = self.metrics.read_bytes()
      if text and not text.endswith(b'\n'):  # a crash cut the last line
        self._rewrite(self.read())
    return self.metrics.open('a', encoding='utf-8')

  def _rewrite(self, records: list[dict]) -> None:
    lines = [json.dumps(jsonable(r), allow_nan=False) for r in records]
    write_text(self.metrics, ''.join(line + '\n' for line in lines))

  def _add_events(self, phase: str, step: int, values: dict) -> None:
    from tensorboardX.proto.event_pb2 import Event, SessionLog
    from tensorboardX.summary import scalar

    # `SummaryWriter` writes in a thread. A full disk or a clock that is set
    # back ends the thread, and the writer then waits for it forever.
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
  # The default name has whole seconds, so a quick restart would overwrite it.
  return EventsWriter(str(folder / 'events'), f'.{time.time_ns()}')


def _numbers(value: Any) -> Any:
  """Converts a scalar or an array [seeds] to Python numbers."""
  value = value.tolist() if hasattr(value, 'tolist') else value
  if isinstance(value, list | tuple):
    return [_numbers(v) for v in value]
  return value if isinstance(value, int) else float(value)
