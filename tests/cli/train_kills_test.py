"""Runs of `train` that are interrupted at many moments."""

import collections
import random
import signal
import time

import pytest
from command_line import flags
from training import (
  EPOCH,
  LONG_RUN,
  ORACLE_RUN,
  TIMEOUT,
  newest_step,
  run,
  start,
  wait_for_step,
)
from trees import (
  assert_identical,
  assert_same_checkpoint,
  checkpoint,
  timeless_records,
)

from moegan_jax.store.checkpoint import Store

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures('own_cache')]

# Moment -> whether it has come, given the folder of the run, the text that the
# run has printed and the newest checkpoint before its start.
MOMENTS = {
  'starting': lambda folder, said, newest: True,
  'training': lambda folder, said, newest: newest_step(folder) > newest,
  'saving': lambda folder, said, newest: any(folder.glob('checkpoints/.tmp-*')),
  'evaluating': lambda folder, said, newest: 'samples of' in said,
  'measuring': lambda folder, said, newest: 'measuring' in said,
}

KILLS = 16


def test_run_killed_many_times_is_identical_to_unbroken_run(tmp_path):
  settings = flags(
    num_seeds=2,
    adversarial__steps=30,
    adversarial__eval_every=3,
    mle__eval_every=1,
    mle__epochs=2,
    checkpoint__every=0.0,
    chunk_seconds=0.001,
  )
  argv = [*ORACLE_RUN, *settings]
  workdir, other = tmp_path / 'run', tmp_path / 'unbroken'
  code, _, err = run(*argv, f'--workdir={other}')
  assert code == 0, err
  rng, kills, lost = random.Random(0), collections.Counter(), 0
  moments = [*MOMENTS] * KILLS
  for moment in moments[:KILLS]:
    number = rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
    newest, log = newest_step(workdir), tmp_path / 'log'
    with log.open('w') as out:
      process = start([*argv, f'--workdir={workdir}'], out)
      while process.poll() is None:
        if MOMENTS[moment](workdir, log.read_text(), newest):
          break
        time.sleep(0.002)
      time.sleep(rng.uniform(0, 6 if moment == 'starting' else 0.2))
      seen = newest_step(workdir)
      process.send_signal(number)
      _, err = process.communicate(timeout=TIMEOUT)
    if process.returncode == 0:
      break
    kills[moment, number.name] += 1
    assert process.returncode in (130, -number), err
    assert 'Traceback' not in err
    found = Store(workdir / 'checkpoints', pytest.fail).restore('last')
    lost += found is None if seen >= 0 else 0
    assert found is None or found.step >= seen
  code, _, err = run(*argv, f'--workdir={workdir}')
  assert code == 0, err
  print(f'kills survived: {kills.total()}, {dict(kills)}; saves lost: {lost}')
  assert kills.total() >= 8 and lost == 0
  assert_same_checkpoint(workdir, other)
  assert_identical(checkpoint(workdir, 'best')[0], checkpoint(other, 'best')[0])
  for file in other.glob('rows/*.json'):
    assert file.read_text() == (workdir / 'rows' / file.name).read_text(), file
  ours, theirs = (
    [r for r in timeless_records(folder) if r['kind'] == 'eval']
    for folder in (workdir, other)
  )
  assert ours == theirs


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_signal_saves_and_exits_with_130(number, tmp_path):
  workdir = tmp_path / 'run'
  process = start([*LONG_RUN, f'--workdir={workdir}'])
  wait_for_step(process, workdir, EPOCH + 2)
  process.send_signal(number)
  _, err = process.communicate(timeout=TIMEOUT)
  assert process.returncode == 130
  name = signal.Signals(number).name
  assert f'{name}: saved in {workdir}' in err.splitlines()[-1]
  assert 'Traceback' not in err
