"""Prepares the process of a program: JAX, standard output, messages."""

import io
import os
import sys
from typing import NoReturn

# JAX's settings that change random streams, dtypes or what code is legal, with
# JAX's defaults. A run must not depend on the environment of its process.
_JAX = {
  'JAX_ENABLE_X64': ('0', 'false', 'off', 'no', 'n', 'f'),
  'JAX_DEFAULT_PRNG_IMPL': ('threefry2x32',),
  'JAX_NUMPY_RANK_PROMOTION': ('allow',),
  'JAX_NUMPY_DTYPE_PROMOTION': ('standard',),
  'JAX_THREEFRY_PARTITIONABLE': ('1', 'true', 'on', 'yes', 'y', 't'),
  'JAX_RANDOM_SEED_OFFSET': ('0',),
  'JAX_LEGACY_PRNG_KEY': ('allow',),
}


def prepare() -> None:
  """Prepares the process; every program calls this before it imports JAX.

  Removes settings of JAX from the environment that would change results, and
  names each of them on standard error. Silences XLA's notes about CPU
  features. Makes standard output and standard error print replacement
  characters for what the terminal's encoding lacks, and handles a full or
  closed standard output (see `guard_output`).
  """
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
  for name, defaults in _JAX.items():
    value = os.environ.pop(name, '')
    if value and value.lower() not in defaults:
      print(f'note: {name}={value} is ignored', file=sys.stderr)
  if isinstance(sys.stderr, io.TextIOWrapper):
    sys.stderr.reconfigure(errors='replace')
  guard_output()


def guard_output() -> None:
  """Makes standard output a `StandardOutput`.

  Raises:
    SystemExit: standard output is closed. The exit code is 2.
  """
  if sys.stdout is None:
    print(
      'error: standard output cannot be written: it is closed; open it',
      file=sys.stderr,
    )
    raise SystemExit(2)
  if type(sys.stdout) is io.TextIOWrapper:  # neither replaced nor captured
    before = sys.stdout
    sys.stdout = StandardOutput(
      before.detach(),
      encoding=before.encoding,
      errors='replace',
      line_buffering=before.line_buffering,
      write_through=before.write_through,
    )


class StandardOutput(io.TextIOWrapper):
  """Standard output that reports what goes wrong with it.

  A reader that closes the pipe, as `head` does, has all that it needs: the
  process ends quietly with exit code 0. If writing fails otherwise, for
  example on a full device, the process ends with one line that names standard
  output and with exit code 2. Both leave by SystemExit: library code that
  handles OSError, such as code for the files of a run, must not take the fault
  for its own.
  """

  def write(self, text: str) -> int:
    try:
      return super().write(text)
    except OSError as error:
      self._end(error)

  def flush(self) -> None:
    try:
      super().flush()
    except OSError as error:
      self._end(error)

  def _end(self, error: OSError) -> NoReturn:
    # What is still buffered must not fail again when Python ends.
    os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())
    if isinstance(error, BrokenPipeError):
      raise SystemExit(0) from None
    print(
      f'error: standard output cannot be written: {error.strerror}; redirect'
      ' it to another place',
      file=sys.stderr,
    )
    raise SystemExit(2) from None
