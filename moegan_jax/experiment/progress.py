"""One line that says how far a run is, how fast, and how long it will take."""

import math
import shutil
import time
from collections.abc import Callable, Mapping
from typing import TextIO

BAR = 20  # characters
MEMORY = 0.8  # weight of the past in the rate, at each update


def format_duration(seconds: float) -> str:
  """'45s', '3m05s', '2h05m' or '1d03h'; '?' where it is not known."""
  if not math.isfinite(seconds) or seconds < 0:
    return '?'
  seconds = math.floor(seconds + 0.5)
  minutes, seconds = divmod(seconds, 60)
  hours, minutes = divmod(minutes, 60)
  days, hours = divmod(hours, 24)
  if days:
    return f'{days}d{hours:02}h'
  if hours:
    return f'{hours}h{minutes:02}m'
  return f'{minutes}m{seconds:02}s' if minutes else f'{seconds}s'


def format_rate(rate: float) -> str:
  """Iterations a second, or seconds an iteration where those are more."""
  if not math.isfinite(rate) or rate <= 0:
    return '? it/s'
  return f'{rate:.3g} it/s' if rate >= 1 else f'{1 / rate:.3g} s/it'


def format_bar(fraction: float, width: int = BAR) -> str:
  filled = int(width * min(max(fraction, 0.0), 1.0))
  return '[' + '#' * filled + '.' * (width - filled) + ']'


def format_line(
  label: str,
  step: int,
  total: int,
  rate: float,
  losses: Mapping[str, float],
  bar: bool = False,
) -> str:
  """The line of progress.

  Args:
    label: what is going on, such as the phase.
    step: iterations done.
    total: iterations to do.
    rate: iterations a second; nan where it is not known, and left out.
    losses: name -> number, shown in this order.
    bar: draw a bar.

  Returns:
    Such as 'adversarial 50/200, 2.5 it/s, ETA 1m00s, g_loss 0.693'.
  """
  left = max(total - step, 0)
  head = f'{label} {step}/{total}'
  if bar:
    head = f'{label} {format_bar(step / max(total, 1))} {step}/{total}'
  timing = [format_rate(rate)] if rate > 0 else []
  if timing and left:
    timing.append(f'ETA {format_duration(left / rate)}')
  shown = [f'{name} {float(value):.4g}' for name, value in losses.items()]
  return ', '.join([head.strip(), *timing, *shown])


class Progress:
  """Shows the progress of a phase.

  On a terminal one line is redrawn; elsewhere (a file, a pipe) a plain line
  is printed now and then: at the first update, every few seconds, at the end.
  """

  def __init__(
    self,
    stream: TextIO,
    total: int,
    start: int = 0,
    label: str = '',
    every: float = 10.0,
    clock: Callable[[], float] = time.monotonic,
  ):
    """Begins a phase.

    Args:
      stream: where to write, such as sys.stderr.
      total: iterations of the phase.
      start: those done by an earlier run that is resumed.
      label: what is going on, such as the phase.
      every: seconds between two plain lines.
      clock: seconds from any origin.
    """
    self._stream, self._total, self._label = stream, total, label
    self._every, self._clock = every, clock
    self._terminal = bool(getattr(stream, 'isatty', lambda: False)())
    self._step = start
    self._iterations = self._seconds = 0.0  # both fade, so the rate follows
    self._shown_at = None
    self._line = ''

  @property
  def rate(self) -> float:
    """Iterations a second of late; nan before any were timed."""
    return self._iterations / self._seconds if self._seconds else math.nan

  def update(
    self, step: int, seconds: float, losses: Mapping[str, float]
  ) -> None:
    """Takes note of a chunk of iterations, and shows it if it is time.

    Args:
      step: iterations done by now.
      seconds: what they took; 0 for a chunk that had to be compiled, which
        then does not count towards rate and ETA.
      losses: name -> number.
    """
    if seconds > 0:
      self._iterations = MEMORY * self._iterations + step - self._step
      self._seconds = MEMORY * self._seconds + seconds
    self._step = step
    now = self._clock()
    due = self._shown_at is None or now - self._shown_at >= self._every
    if self._terminal or due or step >= self._total:
      self._shown_at = now
      self._line = format_line(
        self._label, step, self._total, self.rate, losses, self._terminal
      )
      self._draw()

  def note(self, text: str) -> None:
    """Prints a line of its own; the bar is redrawn beneath."""
    self._stream.write(f'\r\x1b[K{text}\n' if self._terminal else f'{text}\n')
    if self._terminal and self._line:
      self._draw()
    self._stream.flush()

  def close(self) -> None:
    """Ends the redrawn line."""
    if self._terminal and self._line:
      self._stream.write('\n')
      self._stream.flush()
    self._line = ''

  def _draw(self) -> None:
    if self._terminal:
      # One column less: some terminals wrap when the last one is filled.
      width = shutil.get_terminal_size().columns - 1
      self._stream.write(f'\r\x1b[K{self._line[:width]}')
    else:
      self._stream.write(self._line + '\n')
    self._stream.flush()
