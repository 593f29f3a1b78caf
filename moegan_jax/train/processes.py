"""Multi-process training: one leader, and followers that mirror its commands.

The first process is the leader. It runs the same program as a single process:
only the leader reads and writes the run folder, decides, measures and prints.
Before its devices run something, it broadcasts a command. The followers hold
their shards of the same state and run the same command.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from typing import NoReturn

import jax
import numpy as np
from jax.experimental import multihost_utils

from moegan_jax.errors import UserError
from moegan_jax.train import loop, mesh
from moegan_jax.train.engine import Engine
from moegan_jax.train.interrupts import SIGNALS
from moegan_jax.types import Array, TrainState

_STOP, _LOAD, _BEGIN, _RUN, _FETCH, _END = range(6)  # commands
# Words in JAX errors that indicate a lost connection to another process.
_LOST_WORDS = (
  'gloo',
  'nccl',
  'peer',
  'unavailable',
  'coordination',
  'heartbeat',
)


class Lost(Exception):
  """Another process has ended, so training cannot continue."""


def join(
  coordinator: str | None,
  num_processes: int | None,
  process_id: int | None,
  cluster: bool,
) -> None:
  """Connects this process with the others. Call it before any use of JAX.

  Without arguments it does nothing, since the detection of a cluster may wait
  for a long time.

  Args:
    coordinator: HOST:PORT on which the first process listens.
    num_processes: process count.
    process_id: index of this process.
    cluster: whether to detect these values (SLURM, Open MPI, Kubernetes, TPU).

  Raises:
    UserError: some of the values are missing, there is no cluster, or the
      connection fails.
  """
  given = (coordinator, num_processes, process_id)
  if not cluster and all(value is None for value in given):
    return
  if not cluster and any(value is None for value in given):
    raise UserError(
      'command line: --coordinator=HOST:PORT, --num_processes and --process_id '
      'are required together; set all three, or --cluster to detect them'
    )
  try:
    jax.distributed.initialize(
      *given, cluster_detection_method=None if cluster else 'deactivate'
    )
  except (ValueError, RuntimeError, IndexError) as error:
    reason = ' '.join(str(error).split())[:200]
    raise UserError(
      f'cannot join the other processes: {reason}; check --coordinator, '
      '--num_processes, --process_id and --cluster'
    ) from error


def several() -> bool:
  """Returns whether there is more than one process."""
  return jax.process_count() > 1


def leads() -> bool:
  """Returns whether this process is the leader."""
  return jax.process_index() == 0


class Leader:
  """The engine of the leader. It has the methods of `Engine`.

  Each method broadcasts a command, so that the followers run it too.

  Attributes:
    layout: see `Engine`.
  """

  def __init__(self, engine: Engine, corpus_sum: str):
    """Makes the followers load their corpora and compares the checksums.

    Args:
      engine: the engine of this process.
      corpus_sum: SHA-256 of the corpus, in hexadecimal.

    Raises:
      UserError: a follower has another corpus or failed to load it.
    """
    _command(_LOAD)
    checksums = _checksums(corpus_sum)
    for i, other in enumerate(checksums):
      if other != checksums[0]:
        raise UserError(
          f'process {i} has no corpus, or another one than process 0; give all '
          'processes the same files (its own message is above)'
        )
    self._engine, self.layout = engine, engine.layout

  def begin(self, name: str, state: TrainState, rate: float) -> loop.Compiled:
    """See `Engine.begin`."""
    _command(_BEGIN, self._engine.names.index(name))
    with _lost_on_disconnect():
      values = (np.float32(rate), mesh.to_host(state))
      multihost_utils.broadcast_one_to_all(values)
      return self._engine.begin(name, state, rate)

  def run(self, count: int, alive: Array) -> tuple[int, loop.Report]:
    """See `Engine.run`."""
    _command(_RUN, count)
    with _lost_on_disconnect():
      multihost_utils.broadcast_one_to_all(np.asarray(alive))
      return self._engine.run(count, alive)

  def fetch(self) -> TrainState:
    """See `Engine.fetch`."""
    _command(_FETCH)
    with _lost_on_disconnect():
      return self._engine.fetch()

  def end(self) -> None:
    """See `Engine.end`."""
    # The run may end because the followers are lost.
    with contextlib.suppress(Lost):
      _command(_END)
    self._engine.end()


Warn = Callable[[str], None]  # prints one line


def lead(work: Callable[[], int], warn: Warn) -> int:
  """Runs the leader and ends the followers with its exit code.

  Args:
    work: the program; it returns an exit code.
    warn: prints why the process ends if a follower is lost.

  Returns:
    The exit code of `work`.
  """
  code = 1
  try:
    code = work()
  except Lost as lost:
    _leave(lost, warn)
  except UserError:
    code = 2
    raise
  finally:
    with contextlib.suppress(Lost):
      _command(_STOP, code)
  return code


def follow(
  prepare: Callable[[], tuple[Engine, TrainState, str]], warn: Warn
) -> int:
  """Runs a follower until the leader stops it.

  Followers ignore signals. A cluster sends them to all processes, and the
  leader needs the followers in order to save.

  Args:
    prepare: returns the engine, the shapes of the state with the axis over
      seeds, and the SHA-256 of the corpus.
    warn: prints one line.

  Returns:
    The exit code of the leader.
  """
  for number in SIGNALS:
    signal.signal(number, signal.SIG_IGN)
  loaded = None
  try:
    while True:
      what, value = _next_command()
      if what == _STOP:
        return value
      if what == _LOAD:
        loaded = _load(prepare, warn)
        continue
      if loaded is None:
        raise RuntimeError(f'command {what} needs the engine, which is missing')
      engine, shapes = loaded
      with _lost_on_disconnect():
        if what == _BEGIN:
          zeros = jax.tree.map(
            lambda x: np.zeros(x.shape, x.dtype),
            jax.eval_shape(mesh.without_key, shapes),
          )
          values = (np.float32(0), zeros)
          rate, state = multihost_utils.broadcast_one_to_all(values)
          name, state = engine.names[value], mesh.with_key(state)
          engine.begin(name, state, float(rate))
        elif what == _RUN:
          alive = np.zeros(shapes.key.shape, bool)
          engine.run(value, multihost_utils.broadcast_one_to_all(alive))
        elif what == _FETCH:
          engine.fetch()
        else:
          engine.end()
  except Lost as lost:
    _leave(lost, warn)


def _load(
  prepare: Callable[[], tuple[Engine, TrainState, str]], warn: Warn
) -> tuple[Engine, TrainState] | None:
  """Prepares the engine and sends the leader a checksum, zero on failure."""
  loaded, corpus_sum = None, '0' * 64
  try:
    engine, shapes, corpus_sum = prepare()
    loaded = engine, shapes
  except UserError as error:
    warn(f'process {jax.process_index()}: {error}')
  _checksums(corpus_sum)
  return loaded


def _command(what: int, value: int = 0) -> None:
  """Broadcasts a command to the followers."""
  with _lost_on_disconnect():
    multihost_utils.broadcast_one_to_all(np.array([what, value], np.int32))


def _next_command() -> tuple[int, int]:
  """Receives a command and its value from the leader."""
  with _lost_on_disconnect():
    found = multihost_utils.broadcast_one_to_all(np.zeros(2, np.int32))
  return int(found[0]), int(found[1])


def _checksums(own: str) -> list[bytes]:
  """Returns the checksums of all processes."""
  with _lost_on_disconnect():
    row = np.frombuffer(bytes.fromhex(own), np.uint8)
    return [bytes(x) for x in multihost_utils.process_allgather(row)]


@contextlib.contextmanager
def _lost_on_disconnect():
  """Converts the errors that JAX raises when another process has ended.

  Raises:
    Lost: another process has ended.
  """
  try:
    yield
  except (ValueError, RuntimeError) as error:
    text = ' '.join(str(error).split())
    if not any(word in text.lower() for word in _LOST_WORDS):
      raise
    raise Lost(
      f'another process is gone ({text[:120]}); repeat the same commands to '
      'resume from the last checkpoint'
    ) from error


def _leave(lost: Lost, warn: Warn) -> NoReturn:
  """Ends this process at once.

  A regular exit of Python would wait for the other processes.
  """
  warn(f'stopped: {lost}')
  sys.stdout.flush()
  sys.stderr.flush()
  os._exit(1)
