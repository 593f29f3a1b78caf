"""Tests of the package: version, dependencies, contents of an installation."""

import os
import pathlib
import re
import subprocess
import sys
import tomllib

import pytest

import moegan_jax

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / 'pyproject.toml').read_text(encoding='utf-8'))


def requirements(name):
  """The lines of a requirements file without comments."""
  lines = (ROOT / name).read_text(encoding='utf-8').splitlines()
  found = [line.partition('#')[0].strip() for line in lines]
  return [line for line in found if line]


def package(requirement):
  """The name of the distribution that a requirement asks for."""
  return re.match(r'[\w-]+', requirement)[0].lower().replace('_', '-')


def test_the_version_has_one_home():
  assert 'version' not in PROJECT['project']
  dynamic = PROJECT['tool']['setuptools']['dynamic']
  assert dynamic['version'] == {'attr': 'moegan_jax.__version__'}
  changes = (ROOT / 'CHANGELOG.md').read_text(encoding='utf-8')
  newest = re.search(r'^## (\S+)', changes, re.MULTILINE)[1]
  assert newest == moegan_jax.__version__


def test_dependencies_have_one_home():
  assert PROJECT['tool']['setuptools']['dynamic']['dependencies'] == {
    'file': ['requirements-cpu.txt']
  }
  basic = requirements('requirements-cpu.txt')
  assert not [line for line in basic if line.startswith('-')]
  gpu = requirements('requirements.txt')
  assert gpu[0] == '-r requirements-cpu.txt' and len(gpu) == 2
  dev = requirements('requirements-dev.txt')
  assert dev[0] == '-r requirements-cpu.txt'
  repeated = set(map(package, basic)) & set(map(package, dev[1:]))
  assert not repeated
  # The tests use the optional libraries, with the same limits.
  extras = PROJECT['project']['optional-dependencies']
  assert {*extras['bpe'], *extras['molecules']} <= set(dev)
  jax = next(line for line in basic if package(line) == 'jax')
  for name in ('cuda12', 'cuda13', 'tpu'):
    assert extras[name] == [jax.replace('jax', f'jax[{name}]')]
  assert gpu[1] == extras['cuda12'][0]


@pytest.fixture(scope='module')
def installed(tmp_path_factory):
  """A folder with the modules and data that a wheel has."""
  folder = tmp_path_factory.mktemp('build')
  command = [sys.executable, 'setup.py', '-q']
  command += ['egg_info', '--egg-base', str(folder)]
  command += ['build', '--build-base', str(folder / 'temporary')]
  command += ['--build-lib', str(folder / 'lib')]
  done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
  assert done.returncode == 0, done.stderr
  return folder / 'lib'


def test_an_installation_has_all_files(installed):
  assert [path.name for path in installed.iterdir()] == ['moegan_jax']
  for folder in ('moegan_jax', 'configs'):
    for path in (ROOT / folder).rglob('*'):
      if path.is_file() and '__pycache__' not in path.parts:
        place = path.relative_to(ROOT)
        if folder == 'configs':
          place = pathlib.Path('moegan_jax') / place
        assert (installed / place).is_file(), place


def test_an_installation_works_in_any_folder(installed, tmp_path):
  def run(*arguments):
    done = subprocess.run(
      [sys.executable, '-m', 'moegan_jax', *arguments],
      cwd=tmp_path,
      env=os.environ | {'PYTHONPATH': str(installed)},
      capture_output=True,
      text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout

  assert run('--version').strip() == moegan_jax.__version__
  listed = run('train', '--list')
  assert 'relgan' in listed and 'moegan_ablation' in listed
  plan = run('sweep', '--grid=moegan_ablation:captions,smoke', '--list')
  assert 'no_mixture' in plan
  assert PROJECT['project']['scripts'] == {'moegan-jax': 'moegan_jax.cli:main'}
