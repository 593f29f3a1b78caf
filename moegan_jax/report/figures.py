"""Figures of one run or of several; see `style` for how they are saved."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from moegan_jax.metrics import METRICS, SUFFIXES
from moegan_jax.report import table
from moegan_jax.report.curves import PAIRS, Axes
from moegan_jax.report.features import Cloud
from moegan_jax.report.published import CURVE, Row, finite, published
from moegan_jax.report.runs import (
  Exhibits,
  Group,
  Line,
  ends,
  history,
  quantities,
  real,
  temperature_curves,
)
from moegan_jax.report.style import (
  COLOURS,
  INK,
  MUTED,
  RULE,
  SMALL,
  style,
)

if TYPE_CHECKING:
  from matplotlib.figure import Figure

MARKS = 'osD^vPX'
WIDTH = 10.4  # inches: the width of the page at 100 pixels an inch
COLUMNS = 3  # panels side by side

# Quantities that are read together: title, names. All others stand alone.
_LOSSES = (
  ('likelihood loss of G', ('nll',)),
  ('adversarial losses', ('g_loss', 'd_loss')),
  ('mean logit of D', ('d_real', 'd_fake')),
  ('feature alignment', ('fsa',)),
  ('contrastive losses', ('ccl', 'd_ccl')),
  (
    'norms of gradients, before clipping',
    ('generator_grad_norm', 'discriminator_grad_norm'),
  ),
)
_NAMES = {
  'g_loss': 'generator',
  'd_loss': 'discriminator',
  'd_real': 'real',
  'd_fake': 'generated',
  'ccl': 'generator',
  'd_ccl': 'discriminator',
  'generator_grad_norm': 'generator',
  'discriminator_grad_norm': 'discriminator',
  'beta': 'inverse temperature beta',
  'd_penalty': 'gradient penalty',
}


def _orders(template: str, first: int = 2) -> tuple[str, ...]:
  return tuple(template.format(n) for n in range(first, 6))


_MEASURES = (
  ('BLEU ↑', _orders('bleu{}')),
  ('BLEU on the validation part ↑', _orders('bleu{}_valid')),
  ('Self-BLEU', _orders('self_bleu{}')),
  (
    'NLL a token ↓',
    ('nll_train_token', 'nll_valid_token', 'nll_test_token'),
  ),
  ('NLL under the oracle, entropy', ('nll_oracle', 'entropy')),
  ('divergences ↓', ('kl_pq', 'kl_qp', 'jeffreys')),
  ('Jensen-Shannon of n-grams ↓', _orders('ngram_js{}', 1)),
  ('different n-grams / n-grams', _orders('distinct{}', 1)),
  ('entropy of n-grams', _orders('ngram_entropy{}', 1)),
  ('classifier against real text ↓', ('auc', 'auc_train')),
  ('shares: distinct, commonest', ('distinct_sentences', 'top_sentence')),
  (
    'copying',
    ('copied', 'copied_4grams', 'nearest', 'novelty'),
  ),
)
# Per position, or a sum of others: the table has them.
_ASIDE = ('nll_train', 'nll_valid', 'nll_test', 'nll_sum')
# These do not depend on how many samples there are, so that a line of real
# text is right at any number.
_FREE = (*_orders('bleu{}'), 'entropy', 'nll_oracle', 'grammatical')
_FREE += ('mean_length', 'lm_score')
_OVER_TEMPERATURE = ('jeffreys', 'auc_train', 'ngram_js3')
# What a comparison draws along training; the first three or so that are there.
CHOSEN = ('bleu4', 'self_bleu4', 'jeffreys', 'nll_oracle', 'nll_test_token')
CHOSEN += ('nll_test', 'distinct_sentences', 'auc', 'grammatical')


# --- one run -----------------------------------------------------------------


def losses(group: Group) -> 'Figure | None':
  """All that training recorded, along the steps; None without records."""
  lines = {k: history(group, 'train', k) for k in quantities(group, 'train')}
  there = [k for k, those in lines.items() if those]
  panels = _panels(there, _LOSSES, _NAMES.get)

  def draw(axes, title, keys):
    for i, key in enumerate(keys):
      for line in lines[key]:
        _band(axes, line, COLOURS[i], _NAMES.get(key, key))
    _log_if_wide(axes, [line for k in keys for line in lines[k]])

  return _along_training([group], panels, lines, draw)


def measures(group: Group) -> 'Figure | None':
  """Measures along the steps; None if nothing was measured twice.

  Few samples while training are a line, many at the end a hollow mark: many
  measures depend on their number, so these two are never joined.
  """
  lines = {k: history(group, 'eval', k) for k in quantities(group, 'eval')}
  usual = _usual_samples(lines.values())
  shown = [
    key
    for key, those in lines.items()
    if key not in _ASIDE
    and not key.endswith(SUFFIXES)
    and sum(len(line.steps) for line in those if line.samples == usual) > 1
  ]
  panels = [
    (title if len(keys) > 1 else _headed(keys[0]), keys)
    for title, keys in _panels(shown, _MEASURES, _headed)
  ]
  truth = real([group])

  def draw(axes, title, keys):
    for i, key in enumerate(keys):
      for line in lines[key]:
        if line.samples == usual:
          _band(axes, line, COLOURS[i], table.heading(key), marked=True)
        else:
          _final(axes, line, COLOURS[i])
      level = _real_value(truth, key, usual, group)
      if level is not None:
        axes.axhline(level, color=COLOURS[i], linewidth=0.9, linestyle=':')

  return _along_training([group], panels, lines, draw)


def lengths(exhibits: Exhibits | None) -> 'Figure | None':
  """Histogram of the lengths of samples and of real text, in shares."""
  if exhibits is None or not exhibits.lengths.get('samples', np.zeros(0)).any():
    return None
  with style():
    figure, (axes,) = _grid(1, columns=1, height=2.6, width=WIDTH * 0.62)
    looks = {
      'train': dict(color=MUTED, linestyle='--', label='training text'),
      'test': dict(color=INK, label='test text'),
    }
    counts = exhibits.lengths['samples']
    axes.bar(
      np.arange(len(counts)),
      counts / counts.sum(),
      width=1.0,
      color=COLOURS[0],
      alpha=0.45,
      label='samples',
    )
    for part, look in looks.items():
      counts = exhibits.lengths.get(part, np.zeros(0))
      if counts.any():
        edges = np.arange(len(counts) + 1) - 0.5
        axes.stairs(counts / counts.sum(), edges, linewidth=1.3, **look)
    axes.set_xlabel('tokens in a sentence')
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.set_ylabel('share of sentences')
    axes.grid(axis='x', visible=False)
    axes.legend()
  return figure


# --- one run or several ------------------------------------------------------


def temperatures(groups: Sequence[Group]) -> 'Figure | None':
  """Quality against diversity along the temperature, lower left is better.

  One panel for each of `curves.PAIRS`, then what says both at once, against
  the temperature itself. None if no run has curves.
  """
  found = [(g, temperature_curves(g)) for g in groups]
  curves = {g.name: (g, c) for g, c in found if c is not None}
  keys = {
    k for _, c in curves.values() for part in c.phases.values() for k in part
  }
  pairs = [p for p in PAIRS.values() if p.x in keys and p.y in keys]
  alone = [k for k in _OVER_TEMPERATURE if k in keys]
  if not pairs and not alone:
    return None
  with style():
    panels = [*pairs, *alone]
    columns = 2 if len(panels) in (2, 4) else COLUMNS
    height = WIDTH / columns * 0.85
    figure, axes = _grid(len(panels), columns, height)
    single = len(groups) == 1
    for panel, ax in zip(panels, axes):
      for i, (group, curve) in enumerate(curves.values()):
        _draw_curves(ax, panel, group, curve, i, single)
      if isinstance(panel, Axes):
        _finish_pair(ax, panel, groups, curves)
      else:
        ax.set_title(_headed(panel))
        ax.set_xlabel('temperature')
    _shared_legend(figure, axes)
    _thin_out(figure)
  return figure


def training(
  groups: Sequence[Group], keys: Sequence[str] = CHOSEN, most: int = 6
) -> 'Figure | None':
  """Measures of several runs along training; the first `most` that exist."""
  lines = {
    (g.name, k): history(g, 'eval', k)
    for g in groups
    for k in dict.fromkeys(keys)
  }
  usual = {
    g.name: _usual_samples(lines[g.name, k] for k in keys) for g in groups
  }
  found = [
    key
    for key in dict.fromkeys(keys)
    if any(
      sum(
        len(x.steps) for x in lines[g.name, key] if x.samples == usual[g.name]
      )
      > 1
      for g in groups
    )
  ]
  if 'nll_test_token' in found and 'nll_test' in found:
    found.remove('nll_test')
  panels = [(_headed(key), (key,)) for key in found[:most]]

  def draw(axes, title, keys):
    for i, group in enumerate(groups):
      colour = COLOURS[i % len(COLOURS)]
      for line in lines[group.name, keys[0]]:
        if line.samples == usual[group.name]:
          _band(axes, line, colour, group.name, marked=True)
        else:
          _final(axes, line, colour)

  return _along_training(groups, panels, lines, draw, shared=True)


def clouds(named: Sequence[tuple[str, Cloud]]) -> 'Figure | None':
  """Clouds of features side by side, with how far they mix."""
  if not named:
    return None
  with style():
    columns = min(COLUMNS, len(named))
    side = WIDTH / max(2, columns)
    figure, axes = _grid(len(named), columns, side * 0.92, side * columns)
    for ax, (name, one) in zip(axes, named):
      looks = (
        (one.real, MUTED, 'real sentences'),
        (one.fake, COLOURS[1], 'generated sentences'),
      )
      for points, colour, label in looks:
        ax.scatter(
          *points.T,
          s=6,
          color=colour,
          alpha=0.6,
          linewidths=0,
          label=label,
          rasterized=True,  # thousands of elements would burden the page
        )
      ax.set_title(f'{name}: mixing {one.mixing:.3f}')
      ax.set_xticks([])
      ax.set_yticks([])
      ax.set_aspect('equal', 'datalim')
      ax.spines[:].set(visible=True, color=RULE)
    _shared_legend(figure, axes, markerscale=2)
  return figure


# --- parts -------------------------------------------------------------------


def _grid(
  count: int,
  columns: int = COLUMNS,
  height: float = 2.3,
  width: float = WIDTH,
):
  """A figure of so many panels, `height` inches each, and its axes."""
  from matplotlib.figure import Figure

  columns = min(columns, count)
  rows = -(-count // columns)
  figure = Figure(figsize=(width, rows * height), layout='constrained')
  figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
  axes = figure.subplots(rows, columns, squeeze=False).ravel()
  for empty in axes[count:]:
    empty.set_visible(False)
  return figure, axes[:count]


def _panels(
  names: Sequence[str],
  together: Sequence[tuple[str, Sequence[str]]],
  titled: Callable[[str], str | None],
) -> list[tuple[str, list[str]]]:
  """Panels for names: those that are read together, then each alone."""
  left = dict.fromkeys(names)
  panels = []
  for title, keys in together:
    there = [key for key in keys if key in left]
    if there:
      panels.append((title, there))
      for key in there:
        del left[key]
  return panels + [(titled(key) or key, [key]) for key in left]


def _along_training(
  groups: Sequence[Group],
  panels: Sequence[tuple[str, Sequence[str]]],
  lines: Mapping[Any, Sequence[Line]],
  draw: Callable,
  shared: bool = False,
) -> 'Figure | None':
  """Panels over the steps, the end of pre-training marked in each.

  Args:
    groups: of which the phases are taken.
    panels: title and keys.
    lines: key, or (group, key), -> what `draw` draws.
    draw: (axes, title, keys)
    shared: one legend for all panels.
  """
  if not panels:
    return None
  with style():
    legends = any(len(keys) > 1 for _, keys in panels)
    figure, axes = _grid(len(panels), height=2.6 if legends else 2.3)
    last_row = (len(axes) - 1) // COLUMNS * COLUMNS
    for i, ((title, keys), ax) in enumerate(zip(panels, axes)):
      draw(ax, title, keys)
      ax.set_title(title)
      there = [
        line
        for key, those in lines.items()
        if (key[1] if isinstance(key, tuple) else key) in keys
        for line in those
      ]
      _steps_axis(ax, groups, there)
      if len(keys) > 1:
        _legend_below(ax, 31 if i >= last_row else 19)
      if i >= last_row:
        ax.set_xlabel('step')
    if shared:
      _shared_legend(figure, axes)
  return figure


def _steps_axis(axes, groups: Sequence[Group], lines: Sequence[Line]) -> None:
  """Ticks and phases of a step axis.

  Where a line runs through two phases, each is as wide as the other, for
  pre-training may have a hundred times the steps of the game.
  """
  steps = np.concatenate([line.steps for line in lines])
  low, high = steps.min(), steps.max()
  phases = [ends(group) for group in groups]
  boundaries = {end for ends_ in phases for end in list(ends_.values())[:-1]}
  inner = sorted(b for b in boundaries if low < b < high)
  if len(inner) == 1:
    middle = inner[0]
    low = 0 if low < middle / 2 else low

    def forward(x):
      x = np.asarray(x, np.float64)
      first = (x - low) / (middle - low)
      second = 1 + (x - middle) / (high - middle)
      return np.where(x <= middle, first, second)

    def inverse(u):
      u = np.asarray(u, np.float64)
      first = low + u * (middle - low)
      second = middle + (u - 1) * (high - middle)
      return np.where(u <= 1, first, second)

    axes.set_xscale('function', functions=(forward, inverse))
    left, right = inverse(-0.03), inverse(2.03)
    axes.set_xlim(left, right)
    ticks = [low, middle, high]
    axes.set_xticks(ticks, [f'{round(t):,}' for t in ticks])
  elif high > low:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f'{x:,.0f}'))
  axes.xaxis.set_tick_params(which='minor', size=0)
  axes.grid(axis='x', visible=False)
  for boundary in inner:
    axes.axvline(boundary, color=MUTED, linewidth=0.8, linestyle='--', zorder=1)


def _band(
  axes, line: Line, colour: str, label: str, marked: bool = False
) -> None:
  """The mean over seeds, with a band of one deviation for several."""
  mean, spread = _over_seeds(line.values)
  few = marked or len(mean) == 1
  axes.plot(
    line.steps,
    mean,
    color=colour,
    label=_label(label),
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


def _over_seeds(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
  """Mean and deviation [n] of values [n, seeds]; see `published.finite`."""
  rows = [finite(row) for row in values]
  with np.errstate(invalid='ignore'):  # a loss may be infinite
    spread = [row.std(ddof=1) if row.size > 1 else 0.0 for row in rows]
  return np.array([row.mean() for row in rows]), np.array(spread)


def _final(axes, line: Line, colour: str) -> None:
  """Hollow marks for what was measured on another number of samples."""
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


def _log_if_wide(axes, lines: Sequence[Line]) -> None:
  """A logarithmic axis for what is positive and spans two decades."""
  values = np.concatenate([line.values.ravel() for line in lines])
  values = values[np.isfinite(values)]
  if len(values) and values.min() > 0 and values.max() > 100 * values.min():
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_yscale('log')
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f'{y:g}'))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.yaxis.set_tick_params(which='minor', size=0)


def _usual_samples(those) -> int:
  """The number of samples while training: the smallest that is repeated.

  At the end of a phase more measures are taken, on more samples.
  """
  sizes: dict[int, int] = {}
  for lines in those:
    for line in lines:
      sizes[line.samples] = sizes.get(line.samples, 0) + len(line.steps)
  repeated = [n for n, times in sizes.items() if times > 1]
  return min(repeated or sizes, default=0)


def _real_value(
  truth: Sequence[Row], key: str, samples: int, group: Group
) -> float | None:
  """What real text has, if it was measured on as many samples or needs not."""
  same = group.first.protocol.get('hypotheses') == samples
  if key not in _FREE and not same:
    return None
  for row in sorted(truth, key=lambda r: r.key != 'real_test'):
    if key in row.values:
      return float(row.values[key].mean())
  return None


def _headed(key: str) -> str:
  """The head of a measure, with an arrow to its better side."""
  sides = {'higher': ' ↑', 'lower': ' ↓'}
  side = METRICS[key].better if key in METRICS else ''
  return table.heading(key) + sides.get(side, '')


def _draw_curves(axes, panel, group, curve, index: int, single: bool) -> None:
  """One group's curves in one panel: the game's before that of MLE."""
  last = list(curve.phases)[-1]
  for phase, values in curve.phases.items():
    keys = (panel.x, panel.y) if isinstance(panel, Axes) else (panel,)
    if not all(key in values for key in keys):
      continue
    game = phase == last
    heats = curve.temperatures
    points = [values[key] for key in keys]
    if not isinstance(panel, Axes):
      points.insert(0, np.repeat(heats[:, None], points[0].shape[1], axis=1))
    x, y = (p.mean(axis=1) for p in points)
    colour = COLOURS[index % len(COLOURS)]
    name = group.first.label if single else group.name
    if not game:
      name = 'MLE' if single else f'{name}: MLE'
      colour = MUTED if single else colour
    _errors(axes, x, y, points, colour)
    axes.plot(
      x,
      y,
      color=colour,
      label=_label(name),
      marker=MARKS[index % len(MARKS)] if game else '.',
      markersize=4.5 if game else 4,
      linewidth=1.5 if game else 1.0,
      linestyle='-' if game else '--',
      alpha=1.0 if game else 0.75,
      zorder=4 if game else 3,
    )
    if isinstance(panel, Axes) and (single or game):
      ends_only = not (single and game)
      _annotate(axes, x, y, heats, colour, ends_only, below=index % 2 == 1)


def _errors(axes, x, y, points, colour: str) -> None:
  """A thin cross of one deviation over seeds at each point."""
  if points[0].shape[1] > 1:
    dx, dy = (p.std(axis=1, ddof=1) for p in points)
    axes.errorbar(
      x, y, dy, dx, color=colour, fmt='none', linewidth=0.7, alpha=0.5
    )


def _annotate(
  axes, x, y, heats, colour: str, ends_only: bool, below: bool
) -> None:
  """Temperatures beside points, above or below them."""
  for i, heat in enumerate(heats):
    if ends_only and i not in (0, len(heats) - 1):
      continue
    # A curve that turns up again would run through what stands above it.
    rises = i + 1 < len(y) and y[i + 1] > y[i]
    left, low = below and not rises, below or rises
    axes.annotate(
      f'{heat:g}',
      (x[i], y[i]),
      (-4 if left else 4, -10 if low else 4),
      ha='right' if left else 'left',
      textcoords='offset points',
      color=colour,
      fontsize=SMALL,
    )


def _thin_out(figure: 'Figure') -> None:
  """Takes away temperatures that others hide.

  Those at the ends of curves stay, and of these the game's before MLE's.
  """
  figure.draw_without_rendering()  # now places are known
  for axes in figure.axes:
    heats = {text: float(text.get_text()) for text in axes.texts}
    ends = {min(heats.values(), default=0), max(heats.values(), default=0)}
    taken = []
    for text in sorted(
      reversed(heats), key=lambda text: heats[text] not in ends
    ):
      box = text.get_window_extent()
      if any(box.overlaps(other) for other in taken):
        text.remove()
      else:
        taken.append(box)


def _finish_pair(axes, pair: Axes, groups, curves) -> None:
  """Labels, the real text's point, and which corner is the better one."""
  truth = _real_point(pair, groups, curves)
  if truth is not None:
    axes.plot(
      *truth,
      linestyle='none',
      marker='*',
      markersize=9,
      color=INK,
      label='real text',
      zorder=5,
    )
  benchmarks = {group.first.benchmark for group in groups}
  rows = published(benchmarks.pop()) if len(benchmarks) == 1 else []
  drawn = [
    (r.values[pair.x], r.values[pair.y])
    for r in rows
    if r.group == CURVE and pair.x in r.values and pair.y in r.values
  ]
  if drawn:
    axes.plot(
      *zip(*drawn),
      linestyle=':',
      marker='x',
      color=MUTED,
      label='MLE in print (Language GANs Falling Short)',
      zorder=2,
    )
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


def _real_point(pair: Axes, groups, curves) -> tuple[float, float] | None:
  """Real text in the plane of a pair, if it was measured as the curves were."""
  for group, curve in curves.values():
    if pair.x in curve.real and pair.y in curve.real:
      return curve.real[pair.x], curve.real[pair.y]
    truth = real([group])
    point = [
      _real_value(truth, key, curve.samples, group) for key in (pair.x, pair.y)
    ]
    if None not in point:
      return point[0], point[1]
  return None


def _legend_below(axes, points: float) -> None:
  """A panel's own legend, so far below its axis: lines may be anywhere."""
  from matplotlib.transforms import ScaledTranslation

  figure = axes.get_figure()
  down = ScaledTranslation(0, -points / 72, figure.dpi_scale_trans)
  axes.legend(
    *_once(axes),
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


def _shared_legend(figure, axes, **options) -> None:
  """One legend below all panels."""
  handles, labels = [], []
  for ax in axes:
    for handle, label in zip(*_once(ax)):
      if label not in labels:
        handles.append(handle)
        labels.append(label)
  if labels:
    figure.legend(
      handles,
      labels,
      loc='outside lower center',
      ncols=max(1, min(len(labels), 5)),
      **options,
    )


def _once(axes) -> tuple[list, list[str]]:
  """Handles and labels of a legend, each label once."""
  found = dict(zip(*axes.get_legend_handles_labels()[::-1]))
  return list(found.values()), list(found)


def _label(text: str) -> str:
  """A label that Matplotlib does not hide for its leading underscore."""
  return f' {text}' if text.startswith('_') else text
