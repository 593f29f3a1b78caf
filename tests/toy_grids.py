"""Grids of toy-size experiments."""

import tiny
from command_line import ROOT

EPOCH, STEPS = 6, 4
ABLATION = ROOT / 'configs/sweeps/moegan_ablation.py'

# Settings of an experiment that takes seconds.
TINY = {
  **tiny.ORACLE,
  **tiny.HUNDRED,
  **tiny.GAME,
  **tiny.CURVES,
  **tiny.STEPWISE,
  'generator.experts': 1,
  'adversarial.steps': STEPS,
  'adversarial.d_steps': 1,
  'adversarial.eval_every': 2,
  'log_every': 1,
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
