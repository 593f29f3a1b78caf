"""Defers SIGINT and SIGTERM to the next chunk boundary."""

import os
import signal
import threading
from collections.abc import Callable

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Interrupts:
  """Records SIGINT and SIGTERM while a `with` block runs.

  Attributes:
    caught: name of the first signal, such as 'SIGINT'; None before any signal.

  The training loop reads `caught` between chunks. If it is set, the loop saves
  and stops. A second SIGINT raises KeyboardInterrupt at once. Outside the main
  thread the handlers are not installed, because Python does not allow it.
  """

  def __init__(self, notice: str = ''):
    """Prepares the handlers. The `with` block installs them.

    Args:
      notice: line to print to stderr at the first signal, with '{}' for its
        name; '' prints nothing.
    """
    self.caught: str | None = None
    self._notice = notice
    self._before: dict[signal.Signals, Callable | int | None] = {}

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
      # `print` is not reentrant, and the signal may have interrupted one.
      os.write(2, f'\n{self._notice.format(self.caught)}\n'.encode())
