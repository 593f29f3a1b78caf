"""Bad input to `sample`, `export` and `info`: one line and exit code 2."""

import json
import pathlib
import shutil
import subprocess
import sys

import pytest
from command_line import ROOT, assert_refused, call
from textgan_run import END

from moegan_jax.cli import export, infill, info, sample

pytestmark = pytest.mark.usefixtures('own_cache')


@pytest.mark.parametrize(
  ('argv', 'said'),
  [
    ('sample', 'one of the arguments --workdir --exported is required'),
    ('sample --workdir nowhere', 'nowhere is not a run'),
    ('sample --workdir {run}/samples', 'is not a run: it has no config.json'),
    ('sample --workdir {run} --exported {generator}', 'not allowed with'),
    ('sample --workdir {run} -n 0', '-n 0: must be at least 1'),
    ('sample --workdir {run} -n x', 'invalid int'),
    ('sample --workdir {run} --batch 0', '--batch 0'),
    ('sample --workdir {run} --temperature 0', 'temperature=0'),
    ('sample --workdir {run} --temperature 1e-46', 'temperature=1e-46'),
    ('sample --workdir {run} --temperature 1e39', 'temperature=1e+39'),
    ('sample --workdir {run} --temperature nan', 'temperature=nan'),
    ('sample --workdir {run} --top-k -1', 'top_k=-1'),
    ('sample --workdir {run} --nucleus 1.5', 'top_p=1.5'),
    ('sample --workdir {run} --seed -1', 'seed=-1'),
    ('sample --workdir {run} --prefix zebra', 'vocabulary of this generator'),
    ('sample --workdir {run} --prefix a_a_a_a_a_a_a_a', 'has 8 tokens'),
    ('sample --workdir {run} --member 2', 'has 2 seeds'),
    ('sample --workdir {run} --checkpoint 5', 'steps 24, 26, 27, 28'),
    ('sample --workdir {run} --checkpoint lats', "did you mean 'last'"),
    ('sample --workdir {run} -o nowhere/x.txt', '--output=nowhere/x.txt'),
    ('sample --workdir {run} --temprature 1', '--temprature'),
    ('sample --workdir {run} --texts x', '--texts has no effect'),
    ('sample --exported nowhere', 'nowhere is no exported generator'),
    ('sample --exported {generator} --novel', 'needs the training text'),
    ('sample --exported {generator} --member 1', 'go with --workdir'),
    ('export --workdir {run}', 'required: -o'),
    ('export --workdir {run} -o {run}/config.json', 'config.json'),
    ('export --workdir {run} -o x --checkpoint 5', "no checkpoint '5'"),
    ('export --workdir {run} -o {run}/config.json', 'name a folder'),
    ('infill --workdir {run}', 'required: template'),
    ('infill --workdir nowhere ___', 'nowhere is not a run'),
    ('infill --workdir {run} ___', 'latent noise'),
    ('infill --workdir {run} -n 0 ___', '-n 0: must be at least 1'),
    ('infill --workdir {run} --candidates 0 ___', '--candidates 0'),
    ('info', 'required: RUN'),
    ('info nowhere', 'nowhere is not a run'),
  ],
)
def test_bad_input(
  argv, said, run_folder, exported_folder, tmp_path, monkeypatch
):
  monkeypatch.chdir(tmp_path)
  name, *argv = argv.format(run=run_folder, generator=exported_folder).split()
  programs = {'sample': sample, 'export': export, 'info': info}
  program = (programs | {'infill': infill})[name]
  assert_refused(program, [a.replace('_a', ' a') for a in argv], said)
  assert not list(tmp_path.iterdir())


def test_damaged_runs_fall_back_or_are_refused(copies):
  path = copies / 'run'
  text = json.loads((path / 'config.json').read_text())['data']['path']
  other = copies / 'other.txt'
  other.write_text(pathlib.Path(text).read_text().replace('dog', 'cat'))
  config = (path / 'config.json').read_text().replace(text, str(other))
  (path / 'config.json').write_text(config)
  assert_refused(sample, ['--workdir', path, '--novel'], 'has changed since')
  array = next(
    p for p in path.glob(f'checkpoints/last-{END}/state/**/*') if p.is_file()
  )
  array.write_bytes(b'')
  code, out, err = call(sample, '--workdir', path, '-n', 2)
  assert code == 0 and len(out.splitlines()) == 2
  assert f'last-{END} is damaged' in err and f'step {END - 1}' in err
  shutil.rmtree(path / 'checkpoints')
  assert_refused(sample, ['--workdir', path], 'existing: none so far')
  (path / 'corpus.json').write_text('{}')
  assert_refused(info, [path], 'lacks')


def test_help_imports_neither_numpy_nor_jax_for_trained_runs():
  code = (
    'import sys; from moegan_jax.cli import export, infill, info, sample\n'
    'for program in (export, infill, info, sample):\n'
    '  try: program.main(["--help"])\n'
    '  except SystemExit as end: assert not end.code\n'
    'assert sample.main(["--wrong"]) == 2\n'
    'assert not {"numpy", "jax"} & set(sys.modules)\n'
  )
  done = subprocess.run(
    [sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True
  )
  assert done.returncode == 0, done.stderr
  assert '--nucleus' in done.stdout
