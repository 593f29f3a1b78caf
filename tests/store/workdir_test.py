"""Claims, changed settings, environment and lock of a workdir."""

import json
import subprocess
import sys

import pytest

from moegan_jax import config, errors, files
from moegan_jax.store import schema, workdir

CONFIG = {'system': 'moegan', 'gen': {'lr': 1e-4, 'sizes': (1, 2)}, 'seed': 0}


def begun(path):
  """Makes a workdir that has a checkpoint."""
  (path / 'checkpoints' / 'last-7').mkdir(parents=True)
  return workdir.Workdir(path)


def claimed(path, config):
  run = begun(path)
  files.write_json(path / 'config.json', config)
  return run


def test_untrained_workdir_accepts_other_settings(tmp_path):
  run = workdir.Workdir(tmp_path)
  assert run.claim(CONFIG) is True
  untrained = tmp_path / 'checkpoints' / 'last-0'
  untrained.mkdir(parents=True)
  assert run.claim(CONFIG | {'seed': 1}) is True
  assert run.read_json(schema.CONFIG)['seed'] == 1
  assert not untrained.exists()
  (tmp_path / 'rows').mkdir()
  with pytest.raises(errors.UserError, match='seed'):
    run.claim(CONFIG)


def test_first_claim_writes_the_config_and_the_second_resumes(tmp_path):
  run = workdir.Workdir(tmp_path / 'runs' / 'a')
  assert run.claim(CONFIG) is True
  begun(run.path)
  assert run.claim(CONFIG) is False
  assert run.read_json(schema.CONFIG)['gen'] == {'lr': 1e-4, 'sizes': [1, 2]}
  assert (
    workdir.Workdir(run.path, create=False).read_json(schema.CONFIG)['seed']
    == 0
  )


def test_infinite_settings_are_read_as_numbers(tmp_path):
  given = config.override(config.load('mle'), {'mle.clip': float('inf')})
  run = workdir.Workdir(tmp_path)
  run.claim(given.to_dict())
  read = run.read_config()
  assert read['mle']['clip'] == float('inf')
  assert read['mle']['lr'] == given.mle.lr


def test_changed_settings_are_refused_and_named(tmp_path):
  run = claimed(tmp_path, CONFIG)
  other = {'system': 'moegan', 'gen': {'lr': 0.5, 'sizes': [1, 2]}, 'new': 1}
  with pytest.raises(errors.UserError) as info:
    run.claim(other)
  text = str(info.value)
  assert 'gen.lr (was 0.0001, now 0.5)' in text
  assert 'seed (was 0, now absent)' in text
  assert 'use another --workdir or the old settings' in text
  assert '\n' not in text and 'sizes' not in text
  assert run.read_json(schema.CONFIG)['seed'] == 0


def test_setting_added_after_a_run_does_not_prevent_resuming(tmp_path):
  run = claimed(tmp_path, CONFIG)
  assert run.claim(CONFIG | {'new': 1}) is False
  with pytest.raises(errors.UserError, match=r'new \(was 1, now 2\)'):
    run.claim(CONFIG | {'new': 2})


def test_changed_text_is_reported_without_checksums(tmp_path):
  sums = {'train': 'a1', 'test': 'b1'}
  run = claimed(tmp_path, CONFIG | {'corpus': sums})
  other = CONFIG | {'corpus': {'train': 'a2', 'test': 'b2'}}
  with pytest.raises(errors.UserError, match='its corpus differs; use'):
    run.claim(other)


def test_long_lists_of_differences_are_cut(tmp_path):
  run = claimed(tmp_path, {f'k{i}': 0 for i in range(9)})
  with pytest.raises(errors.UserError, match=r'k4 \(.*\) and 4 more') as info:
    run.claim({f'k{i}': 1 for i in range(9)})
  assert 'k5' not in str(info.value)


@pytest.mark.parametrize(
  'free', [{'gen.lr'}, {'gen'}, lambda key: key.endswith('lr')]
)
def test_settings_that_may_change_are_updated(tmp_path, free):
  run = claimed(tmp_path, CONFIG)
  other = CONFIG | {'gen': {'lr': 0.5, 'sizes': [1, 2]}}
  assert run.claim(other, free) is False
  assert run.read_json(schema.CONFIG)['gen']['lr'] == 0.5
  with pytest.raises(errors.UserError, match='seed'):
    run.claim(other | {'seed': 1}, free)


def test_infinite_settings_compare_equal(tmp_path):
  run = claimed(tmp_path, {'clip': float('inf')})
  assert run.claim({'clip': float('inf')}) is False


def test_incomplete_config_is_a_user_error(tmp_path):
  run = begun(tmp_path)
  (tmp_path / 'config.json').write_text('{"a": ')
  with pytest.raises(errors.UserError, match=r'cannot read .*config\.json'):
    run.claim(CONFIG)


def test_file_as_workdir_is_refused(tmp_path, monkeypatch):
  (tmp_path / 'file').write_text('')
  with pytest.raises(errors.UserError, match='is a file'):
    workdir.Workdir(tmp_path / 'file')
  with pytest.raises(errors.UserError, match='Not a directory'):
    workdir.Workdir(tmp_path / 'file' / 'run')
  with pytest.raises(errors.UserError, match='is not a run'):
    workdir.Workdir(tmp_path, create=False)

  def refuse(*_):
    raise OSError(30, 'Read-only file system')

  monkeypatch.setattr(workdir.pathlib.Path, 'write_bytes', refuse)
  with pytest.raises(errors.UserError, match='Read-only file system'):
    workdir.Workdir(tmp_path)


def test_environment(tmp_path, monkeypatch):
  run = workdir.Workdir(tmp_path)
  monkeypatch.setattr(sys, 'argv', ['launch.py', '--config=x'])
  record = run.record_environment()
  assert record['versions']['jax'] and record['versions']['numpy']
  assert record['devices'] >= 1 and record['command'][1] == '--config=x'
  run.record_environment()
  path = tmp_path / 'environment.json'
  assert json.loads(path.read_text()) == [record]
  monkeypatch.setattr(sys, 'argv', ['launch.py', '--config=y'])
  run.record_environment()
  assert len(json.loads(path.read_text())) == 2
  monkeypatch.setattr(workdir.subprocess, 'run', refuse_to_run)
  assert workdir.environment()['git'] is None


def refuse_to_run(*_, **__):
  raise FileNotFoundError('git')


LOCK = """
import os, sys
from moegan_jax import config, errors, files
from moegan_jax.store import schema, workdir
try:
  workdir.Workdir(sys.argv[1]).lock()
except errors.UserError as error:
  print(error)
os._exit(9)
"""


def test_lock_is_exclusive_and_ends_with_the_process(tmp_path):
  def other_process():
    command = [sys.executable, '-c', LOCK, str(tmp_path)]
    return subprocess.run(command, capture_output=True, text=True)

  run = workdir.Workdir(tmp_path)
  assert other_process().stdout == ''  # takes the lock and dies
  run.lock()
  with pytest.raises(errors.UserError, match=r'another run \(process \d+\)'):
    workdir.Workdir(tmp_path).lock()
  assert 'another run' in other_process().stdout
  run.unlock()
  assert other_process().stdout == ''
