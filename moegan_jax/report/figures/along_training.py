"""Losses and measures along the steps of training."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from moegan_jax.metrics import SUFFIXES
from moegan_jax.report import table
from moegan_jax.report.figures.panels import (
  COLUMNS,
  grid,
  grouped,
  heading,
  legend_below,
  log_if_wide,
  real_value,
  shared_legend,
  shown_label,
  steps_axis,
)
from moegan_jax.report.history import Series, history, quantities
from moegan_jax.report.rows import finite
from moegan_jax.report.runs import RunGroup, real
from moegan_jax.report.style import COLOURS, style

if TYPE_CHECKING:
  from matplotlib.figure import Figure

# Losses that share a panel: title, names.
_LOSSES = (
  ('likelihood loss (generator)', ('nll',)),
  ('adversarial losses', ('g_loss', 'd_loss')),
  ('mean discriminator logit', ('d_real', 'd_fake')),
  ('feature alignment loss', ('fsa',)),
  ('contrastive losses', ('ccl', 'd_ccl')),
  (
    'gradient norms before clipping',
    ('generator_grad_norm', 'discriminator_grad_norm'),
  ),
)
_LOSS_NAMES = {
  'g_loss': 'generator',
  'd_loss': 'discriminator',
  'd_real': 'real',
  'd_fake': 'generated',
  'ccl': 'generator',
  'd_ccl': 'discriminator',
  'generator_grad_norm': 'generator',
  'discriminator_grad_norm': 'discriminator',
}
_LOSS_TITLES = {
  'balanced_nll': 'NLL of the mediator (real text and samples)',
  'beta': 'inverse temperature beta',
  'd_penalty': 'gradient penalty (discriminator)',
}


def _orders(template: str, first: int = 2) -> tuple[str, ...]:
  return tuple(template.format(n) for n in range(first, 6))


# Measures that share a panel: title, keys.
_MEASURES = (
  ('BLEU ↑', _orders('bleu{}')),
  ('BLEU on validation text ↑', _orders('bleu{}_valid')),
  ('Self-BLEU', _orders('self_bleu{}')),
  (
    'NLL per token ↓',
    ('nll_train_token', 'nll_valid_token', 'nll_test_token'),
  ),
  ('NLL under the oracle, entropy', ('nll_oracle', 'entropy')),
  ('KL divergences ↓', ('kl_pq', 'kl_qp', 'jeffreys')),
  ('n-gram Jensen-Shannon divergence ↓', _orders('ngram_js{}', 1)),
  ('share of distinct n-grams', _orders('distinct{}', 1)),
  ('n-gram entropy', _orders('ngram_entropy{}', 1)),
  ('classifier against real text, AUC ↓', ('auc', 'auc_train')),
  (
    'share of distinct and top sentences',
    ('distinct_sentences', 'top_sentence'),
  ),
  ('copying', ('copied', 'copied_4grams', 'nearest', 'novelty')),
  ('backward BLEU ↑', _orders('backward_bleu{}')),
  ('harmonic BLEU ↑', _orders('harmonic_bleu{}')),
)
# Only the table shows these: NLL per position, and sums of other measures.
_TABLE_ONLY = ('nll_train', 'nll_valid', 'nll_test', 'nll_sum', 'nll_sum_train')
# Measures of a comparison along training; the first that exist are drawn.
_COMPARED = (
  'bleu4',
  'self_bleu4',
  'jeffreys',
  'nll_oracle',
  'nll_test_token',
  'nll_test',
  'distinct_sentences',
  'auc',
  'grammatical',
)


def losses(group: RunGroup) -> 'Figure | None':
  """Draws all recorded losses along training; None without records."""
  lines = {k: history(group, 'train', k) for k in quantities(group, 'train')}
  names = [name for name, those in lines.items() if those]

  def draw(axes, keys):
    for i, key in enumerate(keys):
      for line in lines[key]:
        _draw_band(axes, line, COLOURS[i], _LOSS_NAMES.get(key, key))
    log_if_wide(axes, [line for k in keys for line in lines[k]])

  panels = grouped(names, _LOSSES, _LOSS_TITLES.get)
  return _draw_panels([group], panels, lines, draw)


def measures(group: RunGroup) -> 'Figure | None':
  """Draws measures along training; None if none was measured twice.

  Evaluations on few samples during training are lines. Evaluations on many
  samples at the end of a phase are hollow marks. The two are not joined, since
  many measures depend on the number of samples.
  """
  lines = {k: history(group, 'eval', k) for k in quantities(group, 'eval')}
  usual = _usual_samples(lines.values())
  names = [
    key
    for key, those in lines.items()
    if key not in _TABLE_ONLY
    and not key.endswith(SUFFIXES)
    and _points(those, usual) > 1
  ]
  truth = real([group])

  def draw(axes, keys):
    for i, key in enumerate(keys):
      for line in lines[key]:
        if line.samples == usual:
          _draw_band(axes, line, COLOURS[i], table.heading(key), marked=True)
        else:
          _draw_final(axes, line, COLOURS[i])
      level = real_value(truth, key, usual, group)
      if level is not None:
        axes.axhline(level, color=COLOURS[i], linewidth=0.9, linestyle=':')

  panels = [
    (title if len(keys) > 1 else heading(keys[0]), keys)
    for title, keys in grouped(names, _MEASURES, heading)
  ]
  return _draw_panels([group], panels, lines, draw)


def training(
  groups: Sequence[RunGroup], keys: Sequence[str] = _COMPARED, most: int = 6
) -> 'Figure | None':
  """Draws measures of several runs along training; None without measures.

  Args:
    groups: the runs, one colour each.
    keys: of measures.
    most: number of panels; the first measures that exist are drawn.
  """
  keys = list(dict.fromkeys(keys))
  lines = {(g.name, k): history(g, 'eval', k) for g in groups for k in keys}
  usual = {
    g.name: _usual_samples(lines[g.name, k] for k in keys) for g in groups
  }
  found = [
    key
    for key in keys
    if any(_points(lines[g.name, key], usual[g.name]) > 1 for g in groups)
  ]
  if 'nll_test_token' in found and 'nll_test' in found:
    found.remove('nll_test')

  def draw(axes, keys):
    for i, group in enumerate(groups):
      colour = COLOURS[i % len(COLOURS)]
      for line in lines[group.name, keys[0]]:
        if line.samples == usual[group.name]:
          _draw_band(axes, line, colour, group.name, marked=True)
        else:
          _draw_final(axes, line, colour)

  panels = [(heading(key), (key,)) for key in found[:most]]
  return _draw_panels(groups, panels, lines, draw, shared=True)


def _draw_panels(
  groups: Sequence[RunGroup],
  panels: Sequence[tuple[str, Sequence[str]]],
  lines: Mapping[Any, Sequence[Series]],
  draw: Callable,
  shared: bool = False,
) -> 'Figure | None':
  """Draws panels over the steps, with the end of pre-training in each.

  Args:
    groups: whose phases are marked.
    panels: title and keys of each.
    lines: key, or (group, key), -> the series that `draw` draws.
    draw: function of a panel's Matplotlib axes and its keys.
    shared: whether all panels share one legend.
  """
  if not panels:
    return None
  with style():
    legends = any(len(keys) > 1 for _, keys in panels)
    figure, axes = grid(len(panels), height=2.6 if legends else 2.3)
    for i, ((title, keys), ax) in enumerate(zip(panels, axes)):
      draw(ax, keys)
      ax.set_title(title)
      drawn = [
        line
        for key, those in lines.items()
        if (key[1] if isinstance(key, tuple) else key) in keys
        for line in those
      ]
      steps_axis(ax, groups, drawn)
      lowest = i + COLUMNS >= len(panels)  # of its column
      if lowest:
        ax.set_xlabel('step')
      if len(keys) > 1:
        legend_below(ax, 31 if lowest else 19)
    if shared:
      shared_legend(figure, axes)
  return figure


def _draw_band(
  axes, line: Series, colour: str, label: str, marked: bool = False
) -> None:
  """Draws the mean over seeds, and a band of one standard deviation."""
  mean, spread = _over_seeds(line.values)
  few = marked or len(mean) == 1
  axes.plot(
    line.steps,
    mean,
    color=colour,
    label=shown_label(label),
    marker='o' if few and len(mean) < 40 else None,
    markersize=2.6,
  )
  if line.values.shape[1] > 1:
    axes.fill_between(
      line.steps,
      mean - spread,
      mean + spread,
      color=colour,
      alpha=0.18,
      linewidth=0,
    )


def _draw_final(axes, line: Series, colour: str) -> None:
  """Draws hollow marks for evaluations on another number of samples."""
  axes.plot(
    line.steps,
    _over_seeds(line.values)[0],
    linestyle='none',
    marker='D',
    markersize=5,
    markerfacecolor='none',
    markeredgecolor=colour,
    clip_on=False,
    zorder=5,
  )


def _over_seeds(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Returns mean and deviation [n] of values [n, seeds], without NaN."""
  rows = [finite(row) for row in values]
  with np.errstate(invalid='ignore'):  # a loss may be infinite
    spread = [row.std(ddof=1) if row.size > 1 else 0.0 for row in rows]
  return np.array([row.mean() for row in rows]), np.array(spread)


def _points(lines: Sequence[Series], samples: int) -> int:
  return sum(len(line.steps) for line in lines if line.samples == samples)


def _usual_samples(those: Iterable[Sequence[Series]]) -> int:
  """Returns the number of samples that evaluations during training have.

  This is the smallest number that occurs repeatedly; the end of a phase is
  evaluated on more samples.
  """
  counts: dict[int, int] = {}
  for lines in those:
    for line in lines:
      counts[line.samples] = counts.get(line.samples, 0) + len(line.steps)
  repeated = [n for n, times in counts.items() if times > 1]
  return min(repeated or counts, default=0)
