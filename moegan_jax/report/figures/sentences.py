"""Embeddings of discriminator features, and lengths of sentences."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from moegan_jax.report.features import Embedding
from moegan_jax.report.figures.panels import (
  COLUMNS,
  WIDTH,
  grid,
  shared_legend,
  wrapped,
)
from moegan_jax.report.finished import TextExamples
from moegan_jax.report.style import COLOURS, INK, MUTED, RULE, style

if TYPE_CHECKING:
  from matplotlib.figure import Figure


def embeddings(named: Sequence[tuple[str, Embedding]]) -> 'Figure | None':
  """Draws embeddings side by side with their mixing; None without any.

  Args:
    named: name of a run and its embedding.
  """
  if not named:
    return None
  with style():
    columns = min(COLUMNS, len(named))
    side = WIDTH / max(2, columns)
    figure, axes = grid(len(named), columns, side * 0.92, side * columns)
    for ax, (name, one) in zip(axes, named):
      for points, colour, label in (
        (one.real, MUTED, 'real sentences'),
        (one.fake, COLOURS[1], 'generated sentences'),
      ):
        ax.scatter(
          *points.T,
          s=6,
          color=colour,
          alpha=0.6,
          linewidths=0,
          label=label,
          rasterized=True,  # thousands of SVG elements would slow the page
        )
      ax.set_title(wrapped(f'{name}: mixing {one.mixing:.3f}', side))
      ax.set_xticks([])
      ax.set_yticks([])
      ax.set_aspect('equal', 'datalim')
      ax.spines[:].set(visible=True, color=RULE)
    shared_legend(figure, axes, markerscale=2)
  return figure


def lengths(examples: TextExamples | None) -> 'Figure | None':
  """Draws the distribution of sentence lengths of samples and real text.

  Returns:
    The figure; None without lengths of samples.
  """
  if examples is None or not examples.lengths.get('samples', np.zeros(0)).any():
    return None
  with style():
    figure, (axes,) = grid(1, columns=1, height=2.6, width=WIDTH * 0.62)
    counts = examples.lengths['samples']
    axes.bar(
      np.arange(len(counts)),
      counts / counts.sum(),
      width=1.0,
      color=COLOURS[0],
      alpha=0.45,
      label='samples',
    )
    for part, look in {
      'train': dict(color=MUTED, linestyle='--', label='training text'),
      'test': dict(color=INK, label='test text'),
    }.items():
      counts = examples.lengths.get(part, np.zeros(0))
      if counts.any():
        edges = np.arange(len(counts) + 1) - 0.5
        axes.stairs(counts / counts.sum(), edges, linewidth=1.3, **look)
    axes.set_xlabel('sentence length in tokens')
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel('share of sentences')
    axes.grid(axis='x', visible=False)
    axes.legend()
  return figure
