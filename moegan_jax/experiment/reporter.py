"""Console output of a run."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TextIO

from moegan_jax.data.corpus import LABEL
from moegan_jax.experiment.progress import Progress


class Reporter:
  """Prints notes, tables, samples and the progress of a run."""

  def __init__(self, stream: TextIO | None = None):
    """Starts without a progress line.

    Args:
      stream: output; default: standard output
    """
    self._stream = stream or sys.stdout
    self._progress: Progress | None = None

  def note(self, text: str) -> None:
    """Prints a line."""
    if self._progress is not None:
      self._progress.note(text)
    else:
      print(text, file=self._stream, flush=True)

  def table(self, rows: Iterable[tuple[str, str]]) -> None:
    """Prints one line per label and text, in two columns."""
    for label, text in rows:
      self.note(f'{label:<{LABEL}}{text}')

  def banner(self, *lines: str) -> None:
    """Prints lines in a frame."""
    width = max(map(len, lines)) + 4
    framed = [f'* {line.ljust(width - 4)} *' for line in lines]
    for line in ('*' * width, *framed, '*' * width):
      self.note(line)

  def begin_phase(self, name: str, steps: int, done: int) -> None:
    """Starts the progress line of a phase.

    Args:
      name: name of the phase
      steps: number of iterations of the phase
      done: number of iterations done before the run was resumed
    """
    self._progress = Progress(self._stream, steps, done, name)

  def progress(
    self, done: int, seconds: float, losses: Mapping[str, float]
  ) -> None:
    """Updates the progress line.

    Args:
      done: number of iterations of the phase that are done
      seconds: duration of the last chunk; 0 if it includes start-up costs, to
        exclude it from the rate
      losses: name -> value
    """
    if self._progress is not None:
      self._progress.update(done, seconds, losses)

  def end_phase(self) -> None:
    """Ends the progress line."""
    if self._progress is not None:
      self._progress.close()
      self._progress = None

  def samples(
    self, title: str, lines: Sequence[str], figures: Sequence[str]
  ) -> None:
    """Prints samples and measures under a title.

    Args:
      title: the title
      lines: sentences
      figures: formatted measures
    """
    self.note(f'{title}:')
    for line in lines:
      self.note(f'  {line or "(empty)"}')
    if figures:
      self.note('  ' + ', '.join(figures))
