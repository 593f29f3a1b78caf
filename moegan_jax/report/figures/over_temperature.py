"""Quality against diversity as functions of the sampling temperature."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from moegan_jax.report import table
from moegan_jax.report.curves import PAIRS, MeasurePair
from moegan_jax.report.figures.panels import (
  COLUMNS,
  WIDTH,
  grid,
  heading,
  real_value,
  shared_legend,
  shown_label,
)
from moegan_jax.report.finished import Curves
from moegan_jax.report.history import temperature_curves
from moegan_jax.report.published import TEMPERATURE_CURVE, published
from moegan_jax.report.runs import RunGroup, real
from moegan_jax.report.style import COLOURS, INK, MUTED, SMALL, style

if TYPE_CHECKING:
  from matplotlib.figure import Figure
  from matplotlib.transforms import Bbox

_MARKERS = 'osD^vPX'
# Drawn over the temperature: they measure quality and diversity at once.
_OVER_TEMPERATURE = ('jeffreys', 'auc_train', 'ngram_js3')
# Name of a group -> the group and its curves.
_GroupCurves = Mapping[str, tuple[RunGroup, Curves]]


def temperatures(groups: Sequence[RunGroup]) -> 'Figure | None':
  """Draws temperature curves; None without curves.

  Each of `curves.PAIRS` gets a panel in which lower left is better. Measures
  of both quality and diversity get a panel over the temperature.
  """
  found = [(g, temperature_curves(g)) for g in groups]
  curves = {g.name: (g, c) for g, c in found if c is not None}
  keys = {
    k
    for _, c in curves.values()
    for values in c.phases.values()
    for k in values
  }
  pairs = [p for p in PAIRS.values() if p.x in keys and p.y in keys]
  panels: list[MeasurePair | str]
  panels = [*pairs, *(k for k in _OVER_TEMPERATURE if k in keys)]
  if not panels:
    return None
  with style():
    columns = 2 if len(panels) in (2, 4) else COLUMNS
    figure, axes = grid(len(panels), columns, WIDTH / columns * 0.85)
    single = len(groups) == 1
    for panel, ax in zip(panels, axes):
      for i, (group, curve) in enumerate(curves.values()):
        _draw_group(ax, panel, group, curve, i, single)
      if isinstance(panel, MeasurePair):
        _finish_pair(ax, panel, groups, curves)
      else:
        ax.set_title(heading(panel))
        ax.set_xlabel('temperature')
    shared_legend(figure, axes)
    _remove_overlaps(figure)
  return figure


def _draw_group(
  axes,
  panel: MeasurePair | str,
  group: RunGroup,
  curves: Curves,
  index: int,
  single: bool,
) -> None:
  """Draws the curves of one group: the last phase solid, the others dashed."""
  last = list(curves.phases)[-1]
  keys = (panel.x, panel.y) if isinstance(panel, MeasurePair) else (panel,)
  pair = len(keys) == 2
  for phase, values in curves.phases.items():
    if not all(key in values for key in keys):
      continue
    main = phase == last
    temperature = curves.temperatures
    points = [values[key] for key in keys]
    if not pair:
      points.insert(0, np.tile(temperature[:, None], points[0].shape[1]))
    x, y = (p.mean(axis=1) for p in points)
    colour = COLOURS[index % len(COLOURS)]
    name = group.first.label if single else group.name
    if not main:
      before = group.first.label_of(phase)
      name = before if single else f'{name}: {before}'
      colour = MUTED if single else colour
    _draw_deviations(axes, x, y, points, colour)
    axes.plot(
      x,
      y,
      color=colour,
      label=shown_label(name),
      marker=_MARKERS[index % len(_MARKERS)] if main else '.',
      markersize=4.5 if main else 4,
      linewidth=1.5 if main else 1.0,
      linestyle='-' if main else '--',
      alpha=1.0 if main else 0.75,
      zorder=4 if main else 3,
    )
    if pair and (single or main):
      ends_only = not (single and main)
      below = index % 2 == 1
      _annotate(axes, x, y, temperature, colour, ends_only, below)


def _draw_deviations(axes, x, y, points, colour: str) -> None:
  """Draws crosses of one standard deviation over seeds."""
  if points[0].shape[1] > 1:
    dx, dy = (p.std(axis=1, ddof=1) for p in points)
    axes.errorbar(
      x, y, dy, dx, color=colour, fmt='none', linewidth=0.7, alpha=0.5
    )


def _annotate(
  axes, x, y, temperatures, colour: str, ends_only: bool, below: bool
) -> None:
  """Writes the temperatures beside the points, above or below them."""
  for i, temperature in enumerate(temperatures):
    if ends_only and i not in (0, len(temperatures) - 1):
      continue
    # Where the curve rises, it would cross a label above the point.
    rises = i + 1 < len(y) and y[i + 1] > y[i]
    left, low = below and not rises, below or rises
    axes.annotate(
      f'{temperature:g}',
      (x[i], y[i]),
      (-4 if left else 4, -10 if low else 4),
      ha='right' if left else 'left',
      textcoords='offset points',
      color=colour,
      fontsize=SMALL,
    )


def _remove_overlaps(figure: 'Figure') -> None:
  """Removes temperatures that overlap others.

  The lowest and the highest temperature take precedence over the rest, and
  later curves, which are those of the last phase, over earlier ones.
  """
  figure.draw_without_rendering()  # computes the positions of the texts
  for axes in figure.axes:
    values = {text: float(text.get_text()) for text in axes.texts}
    ends = {min(values.values(), default=0), max(values.values(), default=0)}
    taken: list[Bbox] = []
    for text in sorted(
      reversed(values), key=lambda text: values[text] not in ends
    ):
      box = text.get_window_extent()
      if any(box.overlaps(other) for other in taken):
        text.remove()
      else:
        taken.append(box)


def _finish_pair(
  axes,
  pair: MeasurePair,
  groups: Sequence[RunGroup],
  curves: _GroupCurves,
) -> None:
  """Draws real text and the published curve; labels and orients the axes."""
  point = _real_point(pair, curves)
  if point is not None:
    axes.plot(
      *point,
      linestyle='none',
      marker='*',
      markersize=9,
      color=INK,
      label='real text',
      zorder=5,
    )
  benchmarks = {group.first.benchmark for group in groups}
  if len(benchmarks) == 1:
    _draw_published(axes, pair, benchmarks.pop())
  axes.margins(0.08, 0.1)  # room for the temperatures
  for side, name, key in zip(
    pair.better, ('x', 'y'), (pair.x, pair.y), strict=True
  ):
    label = table.heading(key)
    if side == 'higher':
      getattr(axes, f'invert_{name}axis')()
      label += ', axis reversed'
    getattr(axes, f'set_{name}label')(label)
  names = ' and '.join(table.heading(key) for key in (pair.x, pair.y))
  axes.set_title(f'{names}, ↙ better')


def _draw_published(axes, pair: MeasurePair, benchmark: str) -> None:
  """Draws the published temperature curve of MLE.

  The curves of other systems are left out: they have two points each, and
  their range would compress the measured curves.
  """
  points = [
    (row.values[pair.x], row.values[pair.y])
    for row in published(benchmark)
    if row.group == TEMPERATURE_CURVE
    and row.label.startswith('MLE,')
    and pair.x in row.values
    and pair.y in row.values
  ]
  if points:
    axes.plot(
      *zip(*points),
      linestyle=':',
      marker='x',
      color=MUTED,
      label='published MLE (Language GANs Falling Short)',
      zorder=2,
    )


def _real_point(
  pair: MeasurePair, curves: _GroupCurves
) -> tuple[float, float] | None:
  """Returns the point of real text, if it is comparable with the curves."""
  for group, curve in curves.values():
    if pair.x in curve.real and pair.y in curve.real:
      return curve.real[pair.x], curve.real[pair.y]
    truth = real([group])
    x, y = (
      real_value(truth, key, curve.samples, group) for key in (pair.x, pair.y)
    )
    if x is not None and y is not None:
      return x, y
  return None
