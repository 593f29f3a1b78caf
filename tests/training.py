"""Toy-size command lines of `train`, in this process and in one of its own."""

import os
import subprocess
import sys
import time

import tiny
from command_line import ROOT, call, flags

from moegan_jax.cli import train
from moegan_jax.store.checkpoint import Store

TRAIN, TEST, EPOCH = 200, 100, 12  # 12 batches of 16 in an epoch
# Settings that the tests share.
SMALL = tiny.GAME | {
  'data.train_size': TRAIN,
  'data.test_size': TEST,
  'generator.experts': 1,
  'discriminator.widths': (2, 3),
  'adversarial.steps': 2,
}
ORACLE = tiny.ORACLE | {'data.length': 6}
# Command lines for bad input.
SMALL_RUN = ['--config=moegan:small', *flags(**SMALL, **ORACLE)]
# Settings of whole runs.
WHOLE = {
  **SMALL,
  **tiny.CURVES,
  'adversarial.d_steps': 2,
  'adversarial.eval_every': 1,
  'eval.samples': 50,
  'eval.final_samples': 60,
}
ORACLE_RUN = ['--config=moegan:small', *flags(**WHOLE, **ORACLE)]
CAPTIONS_RUN = ['--config=moegan:captions', *flags(**WHOLE)]
# Two runs of two seeds with the same last state, because neither evaluations
# nor the lengths of chunks change the state. The second one is saved after each
# iteration, and has no curves.
STEPS = 30  # adversarial iterations
_LONG = [*ORACLE_RUN, *flags(num_seeds=2, adversarial__steps=STEPS)]
UNBROKEN_RUN = [*_LONG, *flags(adversarial__eval_every=STEPS // 2)]
LONG_RUN = [
  *_LONG,
  *flags(adversarial__eval_every=0, eval__curve_samples=0),
  *flags(chunk_seconds=0.001, checkpoint__every=0.0),
]
# The likelihood phase alone.
TEXT_RUN = [
  f'--config={ROOT / "configs/mle.py"}:text',
  *flags(
    **{
      key: value
      for key, value in WHOLE.items()
      if not key.startswith(('adversarial.', 'discriminator.'))
      and not key.endswith('_size')
    }
  ),
]
TIMEOUT = 600  # seconds; only a program that hangs takes as long


def run(*argv):
  """Returns exit code, stdout and stderr of `train` in this process."""
  return call(train, *argv)


def start(argv, out=subprocess.PIPE):
  """Starts `train` in a process of its own."""
  environment = os.environ | {
    'JAX_DISABLE_MOST_OPTIMIZATIONS': '1',
    'JAX_PLATFORMS': 'cpu',
  }
  return subprocess.Popen(
    [sys.executable, 'launch.py', *argv],
    cwd=ROOT,
    env=environment,
    stdout=out,
    stderr=subprocess.PIPE,
    text=True,
  )


def newest_step(workdir):
  """Returns the step of the newest checkpoint, or -1."""
  return max(Store(workdir / 'checkpoints').steps('last'), default=-1)


def wait_for_step(process, workdir, step):
  """Waits for a checkpoint of a step or of a later one."""
  deadline = time.monotonic() + TIMEOUT
  while newest_step(workdir) < step:
    assert process.poll() is None, process.communicate()[1]
    assert time.monotonic() < deadline, f'no checkpoint in {TIMEOUT} s'
    time.sleep(0.01)
