"""Grids of panels, step axes and legends, shared by all figures."""

import textwrap
from collections.abc import Callable, Sequence

import numpy as np

from moegan_jax.metrics import METRICS
from moegan_jax.report import table
from moegan_jax.report.history import Series, phase_ends
from moegan_jax.report.rows import Row
from moegan_jax.report.runs import RunGroup
from moegan_jax.report.style import LARGE, MUTED, SMALL

WIDTH = 10.4  # inches: the width of the page at 100 pixels per inch
COLUMNS = 3
MAX_LEGEND_COLUMNS = 5

_GLYPH = 0.66 / 72  # width of a DejaVu Sans glyph in inches, per point of size
_HANDLE = 0.5  # width of a legend handle with its margins in inches
_LEGEND_ROW = 1.5 * SMALL / 72  # height of a legend row in inches

# Real text can be compared with any number of samples in these measures, since
# they do not depend on the number of samples.
_SIZE_FREE = (
  'bleu2',
  'bleu3',
  'bleu4',
  'bleu5',
  'entropy',
  'nll_oracle',
  'grammatical',
  'mean_length',
  'lm_score',
)


def grid(
  count: int,
  columns: int = COLUMNS,
  height: float = 2.3,
  width: float = WIDTH,
):
  """Creates a figure with panels.

  Args:
    count: number of panels.
    columns: number of panels in a row.
    height: of one panel, in inches.
    width: of the figure, in inches.

  Returns:
    The figure, and its panels as an array of Matplotlib axes [count].
  """
  from matplotlib.figure import Figure
  from matplotlib.layout_engine import ConstrainedLayoutEngine

  columns = min(columns, count)
  rows = -(-count // columns)
  layout = ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08)
  figure = Figure(figsize=(width, rows * height), layout=layout)
  axes = figure.subplots(rows, columns, squeeze=False).ravel()
  for empty in axes[count:]:
    empty.set_visible(False)
  return figure, axes[:count]


def wrapped(title: str, width: float) -> str:
  """Wraps a title to a width in inches."""
  return textwrap.fill(title, max(10, int(width / (_GLYPH * LARGE))))


def heading(key: str) -> str:
  """Returns the name of a measure with an arrow to its better side."""
  arrows = {'higher': ' ↑', 'lower': ' ↓'}
  side = METRICS[key].better if key in METRICS else ''
  return table.heading(key) + arrows.get(side, '')


def shown_label(text: str) -> str:
  """Returns a legend label; Matplotlib hides those that start with '_'."""
  return f' {text}' if text.startswith('_') else text


def real_value(
  truth: Sequence[Row], key: str, samples: int, group: RunGroup
) -> float | None:
  """Returns the value of real text, if comparable with a number of samples.

  Args:
    truth: rows of real text.
    key: of a measure.
    samples: number of samples behind the values of the figure.
    group: whose protocol gives the number of sentences behind `truth`.
  """
  equal_size = group.first.protocol.get('hypotheses') == samples
  if key not in _SIZE_FREE and not equal_size:
    return None
  for row in sorted(truth, key=lambda r: r.key != 'real_test'):
    if key in row.values:
      return float(row.values[key].mean())
  return None


def steps_axis(
  axes, groups: Sequence[RunGroup], lines: Sequence[Series]
) -> None:
  """Draws the ticks of a step axis and marks the ends of phases.

  All phases that the lines run through get the same width, since pre-training
  can take a hundred times the steps of adversarial training.
  """
  steps = np.concatenate([line.steps for line in lines])
  low, high = steps.min(), steps.max()
  boundaries = {
    end for group in groups for end in list(phase_ends(group).values())[:-1]
  }
  inner = sorted(b for b in boundaries if low < b < high)
  if inner:
    _equal_widths(axes, [0 if low < inner[0] / 2 else low, *inner, high])
  elif high > low:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f'{x:,.0f}'))
  axes.xaxis.set_tick_params(which='minor', size=0)
  axes.grid(axis='x', visible=False)
  for boundary in inner:
    axes.axvline(boundary, color=MUTED, linewidth=0.8, linestyle='--', zorder=1)


def _equal_widths(axes, ticks: Sequence[float]) -> None:
  """Scales the x axis so that the parts between ticks have the same width."""
  steps, places = np.asarray(ticks, np.float64), np.arange(len(ticks))

  def interpolate(x, known, values):
    x = np.asarray(x, np.float64)
    i = np.clip(np.searchsorted(known, x) - 1, 0, len(known) - 2)
    share = (x - known[i]) / (known[i + 1] - known[i])
    return values[i] + share * (values[i + 1] - values[i])

  def forward(x):
    return interpolate(x, steps, places)

  def inverse(place):
    return interpolate(place, places, steps)

  axes.set_xscale('function', functions=(forward, inverse))
  axes.set_xlim(inverse(-0.03), inverse(places[-1] + 0.03))
  axes.set_xticks(steps, [f'{round(t):,}' for t in steps])


def log_if_wide(axes, lines: Sequence[Series]) -> None:
  """Sets a logarithmic y axis for positive values over two decades or more."""
  values = np.concatenate([line.values.ravel() for line in lines])
  values = values[np.isfinite(values)]
  if len(values) and values.min() > 0 and values.max() > 100 * values.min():
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_yscale('log')
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f'{y:g}'))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_tick_params(which='minor', size=0)


def grouped(
  names: Sequence[str],
  families: Sequence[tuple[str, Sequence[str]]],
  title_of: Callable[[str], str | None],
) -> list[tuple[str, list[str]]]:
  """Assigns names to panels: families share one, other names get their own.

  Args:
    names: what is drawn.
    families: title and names of the shared panels.
    title_of: title of a single name; the name itself if None.

  Returns:
    Title and names of each panel.
  """
  left = dict.fromkeys(names)
  panels = []
  for title, family in families:
    found = [name for name in family if name in left]
    if found:
      panels.append((title, found))
      for name in found:
        del left[name]
  return panels + [(title_of(name) or name, [name]) for name in left]


def legend_below(axes, points: float) -> None:
  """Draws the legend of a panel below its axis, where it hides no line.

  Args:
    axes: the panel.
    points: distance from the axis.
  """
  from matplotlib.transforms import ScaledTranslation

  figure = axes.get_figure()
  down = ScaledTranslation(0, -points / 72, figure.dpi_scale_trans)
  axes.legend(
    *_unique_handles(axes),
    loc='upper left',
    bbox_to_anchor=(0, 0),
    bbox_transform=axes.transAxes + down,
    borderpad=0,
    borderaxespad=0,
    ncols=2,
    handlelength=1.2,
    columnspacing=1.2,
    labelspacing=0.3,
  )


def shared_legend(figure, axes, **options) -> None:
  """Draws one legend below all panels, and makes the figure taller for it."""
  handles, labels = [], []
  for ax in axes:
    for handle, label in zip(*_unique_handles(ax)):
      if label not in labels:
        handles.append(handle)
        labels.append(label)
  if not labels:
    return
  columns = _legend_columns(labels, figure.get_figwidth())
  rows = -(-len(labels) // columns)
  figure.set_figheight(figure.get_figheight() + rows * _LEGEND_ROW)
  figure.legend(
    handles, labels, loc='outside lower center', ncols=columns, **options
  )


def _legend_columns(labels: Sequence[str], width: float) -> int:
  """Returns how many columns of a legend fit into a width in inches."""
  entries = np.array([_HANDLE + len(x) * _GLYPH * SMALL for x in labels])
  for columns in range(min(len(labels), MAX_LEGEND_COLUMNS), 1, -1):
    # Matplotlib fills the columns one after the other.
    if sum(part.max() for part in np.array_split(entries, columns)) <= width:
      return columns
  return 1


def _unique_handles(axes) -> tuple[list, list[str]]:
  """Returns the handles and labels of a legend, each label once."""
  found = dict(zip(*axes.get_legend_handles_labels()[::-1]))
  return list(found.values()), list(found)
