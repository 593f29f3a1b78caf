"""Ctrl-C and SIGTERM as a wish that the loop grants at its next stop."""

import os
import signal
import threading

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
  """Catches SIGINT and SIGTERM while a `with` block runs.

  caught: the name of the first signal, such as 'SIGINT', or None. The loop
    looks at it between chunks, saves and leaves. Ctrl-C when a signal was
    caught already raises KeyboardInterrupt at once.

  In a thread other than the main one, where Python allows no handlers, it
  catches nothing.
  """

  def __init__(self, notice: str = ''):
    """Args:
    notice: a line for stderr when the first signal comes, so that the person
      at the keyboard knows that it was heard; '{}' is the signal's name.
    """
    self.caught: str | None = None
    self._notice = notice
    self._before = {}

  def __enter__(self) -> 'Interrupts':
    if threading.current_thread() is threading.main_thread():
      for number in SIGNALS:
        self._before[number] = signal.signal(number, self._handle)
    return self

  def __exit__(self, *_) -> None:
    for number, handler in self._before.items():
      signal.signal(number, handler)
    self._before = {}

  def _handle(self, number: int, _) -> None:
    if self.caught is not None:
      if number == signal.SIGINT:
        raise KeyboardInterrupt
      return
    self.caught = signal.Signals(number).name
    if self._notice:
      # Not print: a handler may run in the middle of another print.
      os.write(2, f'\n{self._notice.format(self.caught)}\n'.encode())
