"""Runs of two processes on the loopback interface."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
from command_line import ROOT, assert_refused, flags
from trees import records

from moegan_jax.cli import train

SETTINGS = {
  'data.vocab_size': 30,
  'data.length': 6,
  'data.oracle_dim': 4,
  'data.train_size': 200,
  'data.test_size': 100,
  'generator.cell': 'lstm',
  'generator.hidden': 4,
  'generator.embed': 4,
  'mle.epochs': 60,
  'mle.batch': 16,
  'mle.eval_every': 0,
  'eval.samples': 50,
  'eval.final_samples': 60,
  'eval.chunk': 30,
  'eval.curve_samples': 0,
  'checkpoint.every': 1.0,
  'chunk_seconds': 0.2,
}


def command(workdir, *more):
  """Returns the command line of a run."""
  start = [sys.executable, ROOT / 'launch.py', '--config=mle:small']
  return [*start, *flags(**SETTINGS), f'--workdir={workdir}', *more]


def environment(cache, devices):
  count = f'--xla_force_host_platform_device_count={devices}'
  more = {'XLA_FLAGS': count, 'MOEGAN_CACHE_DIR': str(cache)}
  return os.environ | more


def start_two(workdir, cache):
  """Starts both processes of a run with a device each."""
  with socket.socket() as free:
    free.bind(('127.0.0.1', 0))
    port = free.getsockname()[1]
  return [
    subprocess.Popen(
      command(
        workdir,
        f'--coordinator=127.0.0.1:{port}',
        '--num_processes=2',
        f'--process_id={i}',
      ),
      env=environment(cache, 1),
      stdout=subprocess.PIPE,
      stderr=subprocess.PIPE,
      text=True,
    )
    for i in range(2)
  ]


def ends(started):
  """Returns exit code, stdout and stderr of each process."""
  found = [(*p.communicate(timeout=900), p.returncode) for p in started]
  return [(code, out, err) for out, err, code in found]


def wait_for(condition, started):
  until = time.monotonic() + 900
  while not condition():
    assert time.monotonic() < until
    assert all(process.poll() is None for process in started)
    time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize('lost', [0, 1])
def test_two_processes_train_one_run_and_resume_after_a_kill(tmp_path, lost):
  cache, workdir, alone = tmp_path / 'c', tmp_path / 'two', tmp_path / 'one'
  started = start_two(workdir, cache)
  saved = workdir / 'checkpoints'
  wait_for(lambda: len(list(saved.glob('last-[1-9]*'))) >= 1, started)
  started[lost].send_signal(signal.SIGKILL)
  code, out, err = ends(started)[1 - lost]
  assert code == 1, (out, err)
  last = err.strip().splitlines()[-1]
  assert re.match('stopped: another process is gone .* checkpoint$', last)
  assert 'Traceback' not in err

  (code, out, err), (other, silence, _) = ends(start_two(workdir, cache))
  assert (code, other) == (0, 0), err
  assert 'resumed at step' in out and 'finished' in out
  assert '2 x cpu, 1 along the seeds, 2 along the batch' in out
  # The second process prints nothing; Gloo prints log lines.
  assert not [s for s in silence.splitlines() if not s.startswith('[Gloo]')]
  steps = [r['step'] for r in records(workdir) if r['kind'] == 'train']
  assert steps == sorted(set(steps)) and steps[-1] == 60 * 12
  assert len([r for r in records(workdir) if r['kind'] == 'eval']) == 1

  done = subprocess.run(
    command(alone), env=environment(cache, 1), capture_output=True, text=True
  )
  assert done.returncode == 0, done.stderr
  one, two = (
    json.loads((folder / 'rows/start-720.json').read_text())
    for folder in (alone, workdir)
  )
  # Rounding errors grow over the updates.
  for key in ('nll_train', 'nll_test', 'entropy'):
    np.testing.assert_allclose(one[key], two[key], rtol=1e-2)


def test_incomplete_process_flags_are_refused():
  argv = ['--config=mle:small', '--process_id=1']
  assert_refused(train, argv, '--num_processes')
