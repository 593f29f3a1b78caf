"""Exported generators, and the example that loads one."""

import json
import re
import subprocess
import sys

import jax
import pytest
import safetensors.numpy
from command_line import ROOT, assert_refused, lines
from jax import export as jax_export
from textgan_run import END

from moegan_jax.cli import sample
from moegan_jax.data import bpe

pytestmark = pytest.mark.usefixtures('own_cache')


def test_export_gives_the_samples_of_its_run(run_folder, exported_folder):
  style = ('--seed', 5, '-n', 70, '--temperature', 0.7, '--top-k', 4)
  style += ('--nucleus', 0.9, '--prefix', 'the')
  own = lines(sample, '--workdir', run_folder, '--member', 1, *style)
  assert lines(sample, '--exported', exported_folder, *style) == own
  assert (
    lines(sample, '--exported', exported_folder, *style, '--batch', 9) == own
  )
  unlike = lines(sample, '--exported', exported_folder, '-n', 70, '--distinct')
  assert len(set(unlike)) == 70 and unlike != own


def test_contents_of_an_export(exported_folder, loaded):
  about = json.loads((exported_folder / 'generator.json').read_text())
  assert tuple(about['vocabulary']) == loaded.corpus.vocabulary
  assert about['origin']['member'] == 1 and about['origin']['step'] == END
  weights = safetensors.numpy.load_file(exported_folder / 'weights.safetensors')
  assert all(name.startswith('players/generator/params') for name in weights)
  own = jax.tree.leaves(loaded.state.players['generator'].params)
  assert len(weights) == len(own)
  program = jax_export.deserialize(
    bytearray((exported_folder / 'program.stablehlo').read_bytes())
  )
  assert set(program.platforms) == {'cpu', 'cuda'}
  # No calls of platform-specific libraries.
  calls = set(re.findall(r'custom_call @(\w+)', program.mlir_module()))
  assert calls <= {'shape_assertion'}
  # The program does not contain the weights.
  size = (exported_folder / 'program.stablehlo').stat().st_size
  assert size < 100_000


@pytest.mark.parametrize('codec', ['whitespace', 'bpe'])
def test_loader_example_gives_the_samples_of_sample(copies, codec, tmp_path):
  text = (ROOT / 'examples/load_exported.py').read_text(encoding='utf-8')
  loader = text.split('"""\n', 1)[1].strip()  # after the docstring
  assert len(loader.splitlines()) <= 32
  assert set(re.findall(r'^import (\w+)', loader, re.MULTILINE)) == {
    'jax',
    'json',
    'numpy',
    'sys',
  }
  (tmp_path / 'loader.py').write_text(loader)
  path = tmp_path / 'generator'
  if codec == 'bpe':  # replaces the words by parts of characters
    about = json.loads((path / 'generator.json').read_text())
    fitted = bpe.fit(['床前明月光'], 257)
    symbols = fitted.split('床前明月光 é 😀' * 9)[: about['vocab_size']]
    changed = {'codec': 'bpe', 'codec_model': fitted.model, 'separator': ''}
    changed |= {'vocabulary': ['', *symbols[1:]], 'bytes': bpe.byte_of()}
    (path / 'generator.json').write_text(json.dumps(about | changed))
  done = subprocess.run(
    [sys.executable, 'loader.py', str(path), '20', '7'],
    cwd=tmp_path,  # outside of the checkout
    capture_output=True,
    encoding='utf-8',
  )
  assert done.returncode == 0, done.stderr
  own = lines(sample, '--exported', path, '--seed', 7, '-n', 20)
  assert done.stdout.splitlines() == own


def test_damaged_exports_are_refused(copies):
  path = copies / 'generator'
  about = json.loads((path / 'generator.json').read_text())
  for name in ('weights.safetensors', 'program.stablehlo'):
    whole = (path / name).read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for content in (flipped, whole[:100], b''):
      (path / name).write_bytes(content)
      assert_refused(sample, ['--exported', path], f'{name} is damaged')
    (path / name).unlink()
    assert_refused(sample, ['--exported', path], f'cannot read {path / name}')
    (path / name).write_bytes(whole)
  del about['vocabulary']
  for content in (json.dumps(about), '{'):
    (path / 'generator.json').write_text(content)
    assert_refused(sample, ['--exported', path], 'generator.json')
