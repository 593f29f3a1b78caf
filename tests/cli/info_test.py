"""Descriptions of run folders by `info`."""

import json
import shutil

from command_line import lines
from textgan_run import END, PRETRAINED

from moegan_jax.cli import info


def test_info_of_a_finished_run(run_folder):
  text = '\n'.join(lines(info, run_folder))
  for said in (
    'textgan on text, 2 seeds',
    f'finished, {END} steps',
    f'pretrain, {PRETRAINED} of {PRETRAINED} steps',
    'adversarial, 4 of 4 steps',
    f'phase: steps {PRETRAINED}, {END}',
    'nll_valid',
    'MLE; textgan, last',
    '6 files in samples/',
    'cell=lstm',
    'whitespace tokens',
  ):
    assert said in text, said
  assert max(map(len, text.splitlines())) <= 120
  facts = json.loads('\n'.join(lines(info, run_folder, '--json')))
  assert facts['finished'] and facts['step'] == facts['steps'] == END
  assert facts['checkpoints']['last'][-1] == END
  assert facts['config']['generator']['latent'] == 4
  size = sum(p.stat().st_size for p in run_folder.rglob('*') if p.is_file())
  assert facts['bytes']['all'] == size > facts['bytes']['checkpoints'] > 0


def test_info_of_an_unfinished_run(copies):
  path = copies / 'run'
  (path / 'results.json').unlink()
  assert 'trained, not measured' in '\n'.join(lines(info, path))
  for name in (f'last-{END}', f'phase-{END}'):
    shutil.rmtree(path / 'checkpoints' / name)
  text = '\n'.join(lines(info, path))
  assert f'step {END - 1} of {END}' in text and '3 of 4 steps' in text
  shutil.rmtree(path / 'checkpoints')
  text = '\n'.join(lines(info, path))
  assert f'nothing trained yet, {END} steps to go' in text
  assert 'best ' not in text
