"""Several processes that train as one.

The first process leads. It alone reads and writes the folder of the run,
decides, measures and prints, as a single process would; before its devices do
something it says so, and the others, which hold their part of the same state,
do the same. So everything is written once, and nothing has to be agreed on.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Callable

import jax
import numpy as np
from jax.experimental import multihost_utils

from moegan_jax.errors import UserError
from moegan_jax.train import loop, mesh
from moegan_jax.train.engine import Engine
from moegan_jax.train.interrupts import SIGNALS
from moegan_jax.types import Array, TrainState

_STOP, _LOAD, _BEGIN, _RUN, _FETCH, _END = range(6)
# What is in an error of JAX when the other side is gone.
_MARKS = ('gloo', 'nccl', 'peer', 'unavailable', 'coordination', 'heartbeat')


class Lost(Exception):
  """Another process is gone, and nothing can go on without it."""


def join(
  coordinator: str | None,
  num_processes: int | None,
  process_id: int | None,
  cluster: bool,
) -> None:
  """Makes this process one of several if it is told to; before all else.

  Without being told nothing is looked for: a search for a cluster may wait.

  Args:
    coordinator: HOST:PORT of the first process, where it listens
    num_processes, process_id: of how many it is which
    cluster: ask the cluster for these (SLURM, Open MPI, Kubernetes, TPU, ...)

  Raises:
    UserError: half of the addresses, no such cluster, or nobody answers.
  """
  given = (coordinator, num_processes, process_id)
  if not cluster and all(value is None for value in given):
    return
  if not cluster and any(value is None for value in given):
    raise UserError(
      'command line: --coordinator=HOST:PORT, --num_processes and --process_id '
      'belong together; --cluster asks the cluster for them'
    )
  try:
    jax.distributed.initialize(
      *given, cluster_detection_method=None if cluster else 'deactivate'
    )
  except (ValueError, RuntimeError, IndexError) as error:
    reason = ' '.join(str(error).split())[:200]
    raise UserError(
      f'cannot join the other processes: {reason}; look at --coordinator, '
      '--num_processes, --process_id and --cluster'
    ) from error


def several() -> bool:
  """Whether there is more than one process."""
  return jax.process_count() > 1


def leads() -> bool:
  """Whether this process reads, writes and decides."""
  return jax.process_index() == 0


class Leader:
  """The engine of the first process, which those of the others follow.

  Its methods are those of `Engine`.
  """

  def __init__(self, engine: Engine, corpus_sum: str):
    """Args:
      corpus_sum: sha256 of the corpus, in hexadecimal

    Raises:
      UserError: another process has another corpus, or cannot go on.
    """
    _order(_LOAD)
    others = _sums(corpus_sum)
    for i, other in enumerate(others):
      if other != others[0]:
        raise UserError(
          f'process {i} has no corpus, or another one than process 0: give '
          'all processes the same files; what it says itself is above'
        )
    self._engine, self.layout = engine, engine.layout

  def begin(self, name: str, state: TrainState, rate: float) -> loop.Compiled:
    _order(_BEGIN, self._engine.names.index(name))
    with _company():
      told = (np.float32(rate), mesh.to_host(state))
      multihost_utils.broadcast_one_to_all(told)
      return self._engine.begin(name, state, rate)

  def run(self, count: int, alive: Array) -> tuple[int, loop.Report]:
    _order(_RUN, count)
    with _company():
      multihost_utils.broadcast_one_to_all(np.asarray(alive))
      return self._engine.run(count, alive)

  def fetch(self) -> TrainState:
    _order(_FETCH)
    with _company():
      return self._engine.fetch()

  def end(self) -> None:
    # Nothing to say to others that are gone, when a run ends for that reason.
    with contextlib.suppress(Lost):
      _order(_END)
    self._engine.end()


Warn = Callable[[str], None]  # shows a line to the user


def lead(work: Callable[[], int], warn: Warn) -> int:
  """Runs the first process; the others end with its exit code."""
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
      _order(_STOP, code)
  return code


def follow(
  prepare: Callable[[], tuple[Engine, TrainState, str]], warn: Warn
) -> int:
  """What a process that does not lead does until it is told to stop.

  Signals are the leader's affair: a cluster sends them to all, and it needs
  the others for saving.

  Args:
    prepare: gives the engine, the shapes of the state (all seeds) and the
      sha256 of the corpus

  Returns:
    the exit code of the leader.
  """
  for number in SIGNALS:
    signal.signal(number, signal.SIG_IGN)
  try:
    while True:
      what, value = _ordered()
      if what == _STOP:
        return value
      if what == _LOAD:
        engine, shapes = _load(prepare, warn)
        continue
      with _company():
        if what == _BEGIN:
          zeros = jax.tree.map(
            lambda x: np.zeros(x.shape, x.dtype),
            jax.eval_shape(mesh.without_key, shapes),
          )
          told = (np.float32(0), zeros)
          rate, state = multihost_utils.broadcast_one_to_all(told)
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
  prepare: Callable, warn: Warn
) -> tuple[Engine | None, TrainState | None]:
  """Prepares, and lets the leader know whether it went well."""
  engine = shapes = None
  corpus_sum = '0' * 64
  try:
    engine, shapes, corpus_sum = prepare()
  except UserError as error:
    warn(f'process {jax.process_index()}: {error}')
  _sums(corpus_sum)
  return engine, shapes


def _order(what: int, value: int = 0) -> None:
  """Tells the others what comes next."""
  with _company():
    multihost_utils.broadcast_one_to_all(np.array([what, value], np.int32))


def _ordered() -> tuple[int, int]:
  """What the leader says."""
  with _company():
    said = multihost_utils.broadcast_one_to_all(np.zeros(2, np.int32))
  return int(said[0]), int(said[1])


def _sums(own: str) -> list[bytes]:
  """The checksums of all processes."""
  with _company():
    row = np.frombuffer(bytes.fromhex(own), np.uint8)
    return [bytes(x) for x in multihost_utils.process_allgather(row)]


@contextlib.contextmanager
def _company():
  """Calls the error of a device by its name if another process is the cause.

  Raises:
    Lost: so it is.
  """
  try:
    yield
  except (ValueError, RuntimeError) as error:
    text = ' '.join(str(error).split())
    if not any(mark in text.lower() for mark in _MARKS):
      raise
    raise Lost(
      f'another process is gone ({text[:120]}); the same commands again go on '
      'from the last checkpoint'
    ) from error


def _leave(lost: Lost, warn: Warn) -> None:
  """Ends this process at once: Python's own end would wait for the others."""
  warn(f'stopped: {lost}')
  sys.stdout.flush()
  sys.stderr.flush()
  os._exit(1)
