"""Grids of toy-size experiments."""

from command_line import ROOT

EPOCH, STEPS = 6, 4
ABLATION = ROOT / 'configs/sweeps/moegan_ablation.py'

# Settings of an experiment that takes seconds.
TINY = {
  'data.vocab_size': 30,
  'data.length': 4,
  'data.oracle_dim': 4,
  'data.train_size': 100,
  'data.test_size': 60,
  'generator.cell': 'lstm',
  'generator.experts': 1,
  'generator.hidden': 4,
  'generator.embed': 4,
  'discriminator.embed': 4,
  'discriminator.filters': 4,
  'discriminator.features': 4,
  'discriminator.widths': (2,),
  'mle.epochs': 1,
  'mle.batch': 16,
  'adversarial.steps': STEPS,
  'adversarial.batch': 8,
  'adversarial.d_steps': 1,
  'mle.eval_every': 0,
  'adversarial.eval_every': 2,
  'eval.samples': 30,
  'eval.final_samples': 40,
  'eval.chunk': 32,
  'eval.curve_samples': 20,
  'eval.temperatures': (0.8, 1.0),
  'log_every': 1,
  'chunk_seconds': 0.001,
  'checkpoint.every': 0.0,
}

# The cells share a program and are trained together.
CELLS = {'slow': {}, 'fast': {'adversarial.g_lr': 1e-3, 'fsa.weight': 0.5}}


def grid_file(folder, cells, seeds=2, **more):
  """Writes a grid of toy experiments; returns its file."""
  keys = {'cells': cells, 'seeds': seeds} | more
  path = folder / 'toy.py'
  path.write_text(
    'from moegan_jax import config\n\n\n'
    'def get_sweep(variant):\n'
    f'  base = config.override(config.load("moegan:small"), {TINY})\n'
    f'  return {{"base": base}} | {keys}\n',
    encoding='utf-8',
  )
  return path
