"""Formats and prints the progress line: steps, rate, time left and losses."""

import math
import shutil
import time
from collections.abc import Callable, Mapping
from typing import TextIO

BAR = 20  # width of the bar in characters
DECAY = 0.8  # of the moving average of the rate, per update


def format_duration(seconds: float) -> str:
  """Formats a duration as '45s', '3m05s', '2h05m' or '1d03h'.

  Returns:
    The text; '?' if the duration is negative or not finite.
  """
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
  """Formats a rate in iterations per second.

  Returns:
    Such as '2.5 it/s', or '4 s/it' below one iteration per second; '? it/s' if
    the rate is not positive and finite.
  """
  if not math.isfinite(rate) or rate <= 0:
    return '? it/s'
  return f'{rate:.3g} it/s' if rate >= 1 else f'{1 / rate:.3g} s/it'


def format_bar(fraction: float, width: int = BAR) -> str:
  """Formats a fraction in [0, 1] as a bar."""
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
  """Formats the progress line.

  Args:
    label: such as the name of the phase.
    step: number of iterations done.
    total: number of all iterations.
    rate: iterations per second; nan if unknown, which leaves out rate and ETA.
    losses: name -> value, in the order of the line.
    bar: whether to draw a bar.

  Returns:
    Such as 'adversarial 50/200, 2.5 it/s, ETA 1m00s, g_loss 0.693'.
  """
  remaining = max(total - step, 0)
  head = f'{label} {step}/{total}'
  if bar:
    head = f'{label} {format_bar(step / max(total, 1))} {step}/{total}'
  timing = [format_rate(rate)] if rate > 0 else []
  if timing and remaining:
    timing.append(f'ETA {format_duration(remaining / rate)}')
  shown = [f'{name} {float(value):.4g}' for name, value in losses.items()]
  return ', '.join([head.strip(), *timing, *shown])


class Progress:
  """Shows the progress of a phase.

  On a terminal it redraws one line. In a file or a pipe it prints plain lines:
  at the first update, every few seconds and at the end.
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
      stream: output, such as sys.stderr.
      total: number of iterations of the phase.
      start: number of iterations done before the run was resumed.
      label: such as the name of the phase.
      every: seconds between two plain lines.
      clock: returns the time in seconds since any origin.
    """
    self._stream, self._total, self._label = stream, total, label
    self._every, self._clock = every, clock
    self._terminal = bool(getattr(stream, 'isatty', lambda: False)())
    self._step = start
    # Both decay, so that the rate follows changes.
    self._iterations = self._seconds = 0.0
    self._shown_at: float | None = None
    self._line = ''

  @property
  def rate(self) -> float:
    """Recent rate in iterations per second; nan before the first timing."""
    return self._iterations / self._seconds if self._seconds else math.nan

  def update(
    self, step: int, seconds: float, losses: Mapping[str, float]
  ) -> None:
    """Records a chunk of iterations, and prints a line if one is due.

    Args:
      step: number of iterations done.
      seconds: duration of the chunk; 0 if it included compilation, which
        excludes it from rate and ETA.
      losses: name -> value.
    """
    if seconds > 0:
      self._iterations = DECAY * self._iterations + step - self._step
      self._seconds = DECAY * self._seconds + seconds
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
    """Prints a separate line above the progress line."""
    self._stream.write(f'\r\x1b[K{text}\n' if self._terminal else f'{text}\n')
    if self._terminal and self._line:
      self._draw()
    self._stream.flush()

  def close(self) -> None:
    """Ends the progress line."""
    if self._terminal and self._line:
      self._stream.write('\n')
      self._stream.flush()
    self._line = ''

  def _draw(self) -> None:
    """Prints the current line."""
    if self._terminal:
      # Some terminals wrap when the last column is filled.
      width = shutil.get_terminal_size().columns - 1
      self._stream.write(f'\r\x1b[K{self._line[:width]}')
    else:
      self._stream.write(self._line + '\n')
    self._stream.flush()
