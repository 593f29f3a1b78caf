"""Tests of `prepare`: settings of JAX, encodings, standard output."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PRELUDE = 'from moegan_jax.environment import prepare\nprepare()\n'


def run(code, stdout=subprocess.PIPE, **environment):
  """Runs code after `prepare` in a process."""
  return subprocess.run(
    [sys.executable, '-c', PRELUDE + code],
    cwd=ROOT,
    env=os.environ | environment,
    stdout=stdout,
    stderr=subprocess.PIPE,
    timeout=120,
  )


def test_settings_of_jax_are_pinned():
  code = (
    'import jax, jax.numpy as jnp\n'
    'x = jnp.ones(2) * jnp.ones((2, 2))\n'
    'print(x.dtype, jax.random.key_impl(jax.random.key(0)),\n'
    '  jax.random.bits(jax.random.key(3)))\n'
  )
  plain = run(code)
  odd = run(
    code,
    JAX_ENABLE_X64='1',
    JAX_DEFAULT_PRNG_IMPL='rbg',
    JAX_NUMPY_RANK_PROMOTION='raise',
    JAX_RANDOM_SEED_OFFSET='7',
  )
  assert plain.returncode == odd.returncode == 0, odd.stderr
  assert b'float32' in odd.stdout and odd.stdout == plain.stdout
  notes = odd.stderr.decode().splitlines()
  assert 'note: JAX_ENABLE_X64=1 is ignored' in notes
  assert sum(line.startswith('note: ') for line in notes) == 4
  assert b'note: ' not in run('', JAX_ENABLE_X64='False').stderr


def test_output_to_a_non_utf8_terminal():
  done = run("print('é 床')", PYTHONIOENCODING='cp1252')
  assert done.returncode == 0, done.stderr
  assert done.stdout == 'é ?\n'.encode('cp1252')
  error = "import sys\nprint('床', file=sys.stderr)"
  assert run(error, PYTHONIOENCODING='ascii').stderr == b'?\n'


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='no /dev/full')
@pytest.mark.parametrize('unbuffered', ['', '1'])
def test_full_device_is_reported(unbuffered):
  code = 'for i in range(100_000):\n  print(i)\n'
  with open('/dev/full', 'wb') as full:
    done = run(code, full, PYTHONUNBUFFERED=unbuffered)
  assert done.returncode == 2
  (line,) = done.stderr.decode().splitlines()
  assert line.startswith('error: standard output cannot be written: No space')


@pytest.mark.skipif(not os.path.exists('/dev/full'), reason='no /dev/full')
@pytest.mark.parametrize('name', ['sample', 'export', 'info', 'train'])
def test_programs_prepare_their_process(name):
  with open('/dev/full', 'wb') as full:
    done = subprocess.run(
      [sys.executable, '-m', 'moegan_jax', name, '--help'],
      cwd=ROOT,
      env=os.environ | {'JAX_ENABLE_X64': '1'},
      stdout=full,
      stderr=subprocess.PIPE,
      timeout=120,
    )
  assert done.returncode == 2
  note, error = done.stderr.decode().splitlines()
  assert note == 'note: JAX_ENABLE_X64=1 is ignored'
  assert error.startswith('error: standard output cannot be written')


def test_full_device_is_reported_at_exit():
  if not os.path.exists('/dev/full'):
    pytest.skip('no /dev/full')
  code = 'from moegan_jax.cli.shared import exit_code\nimport sys\n'
  code += "sys.exit(exit_code(lambda: print('short')))"
  with open('/dev/full', 'wb') as full:
    done = run(code, full)
  assert done.returncode == 2
  assert done.stderr.count(b'\n') == 1 and b'standard output' in done.stderr


def test_closed_pipe_is_no_error():
  """Handlers of OSError for files must not catch a closed pipe."""
  code = (
    'import pathlib\n'
    'try:\n'
    '  for i in range(100_000):\n'
    '    print(i)\n'
    'except OSError as error:\n'
    '  raise AssertionError("taken for another fault")\n'
  )
  process = subprocess.Popen(
    [sys.executable, '-c', PRELUDE + code],
    cwd=ROOT,
    stdout=subprocess.PIPE,
    stderr=subprocess.PIPE,
  )
  assert process.stdout.readline() == b'0\n'
  process.stdout.close()
  assert process.stderr.read() == b''
  process.stderr.close()
  assert process.wait(60) == 0
