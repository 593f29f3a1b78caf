"""A run of TextGAN with two seeds, latent noise and a discriminator."""

import contextlib
import fcntl
import os
import random

import pytest
from command_line import call, flags, lines

from moegan_jax.cli import export, train
from moegan_jax.report import html

PRETRAINED, END, MEASURED = 24, 28, 300
BATCH = 64

SETTINGS = {
  'num_seeds': 2,
  'data.codec': 'whitespace',
  'generator.hidden': 8,
  'generator.embed': 4,
  'generator.latent': 4,
  'discriminator.embed': 4,
  'discriminator.filters': 4,
  'discriminator.features': 4,
  'discriminator.widths': '(2,)',
  'mle.epochs': 6,
  'mle.batch': 16,
  'mle.lr': 0.05,
  'adversarial.steps': END - PRETRAINED,
  'adversarial.batch': 8,
  'adversarial.d_steps': 1,
  'generator.draws': 2,
  'mle.eval_every': 0,
  'adversarial.eval_every': 2,
  'eval.samples': 40,
  'eval.final_samples': MEASURED,
  'eval.chunk': BATCH,
  'eval.curve_samples': 0,
  'chunk_seconds': 0.001,
  'checkpoint.every': 0,
}


@contextlib.contextmanager
def shared(tmp_path_factory):
  """Yields a folder of all workers, to one worker at a time."""
  base = tmp_path_factory.getbasetemp()
  if 'PYTEST_XDIST_WORKER' in os.environ:
    base = base.parent
  folder = base / 'textgan'
  folder.mkdir(exist_ok=True)
  with (base / 'textgan.lock').open('w') as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    yield folder


def make(folder):
  """Writes `text.txt`, the run `run` on it and its export `generator`."""
  rng = random.Random(0)
  parts = ('a', 'the'), ('man', 'dog', 'red car'), ('runs', 'sees a man', '')
  text = [' '.join(map(rng.choice, parts)) + ' .' for _ in range(90)]
  (folder / 'text.txt').write_text('\n'.join(text) + '\n')
  settings = SETTINGS | {'data.path': folder / 'text.txt'}
  run = folder / 'run'
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(html, 'write', lambda folder: None)
    code, _, err = call(
      train, '--config=textgan:text', *flags(**settings), f'--workdir={run}'
    )
  assert code == 0, err
  target = folder / 'generator'
  said = lines(export, '--workdir', run, '--member', 1, '-o', target)
  assert len(said) == 1 and f'step {END}' in said[0]
