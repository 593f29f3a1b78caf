"""Contents and layout of figures."""

import itertools

import fake_runs
import numpy as np
import pytest
from matplotlib.figure import Figure

from moegan_jax.report import figures, history, runs
from moegan_jax.report.features import Embedding
from moegan_jax.report.figures import panels


def group_of(path, **options):
  (group,) = runs.fold([runs.load(fake_runs.write(path, **options))])
  return group


def panel(figure, title):
  return next(a for a in figure.axes if a.get_title('left').startswith(title))


def labelled(axes):
  return {line.get_label(): line for line in axes.lines}


def test_losses_show_the_mean_and_a_band(tmp_path):
  group = group_of(tmp_path / 'a', seeds=2)
  figure = figures.losses(group)
  axes = panel(figure, 'adversarial losses')
  lines = labelled(axes)
  assert {'generator', 'discriminator'} <= set(lines)
  (line,) = history.history(group, 'train', 'g_loss')
  np.testing.assert_allclose(
    lines['generator'].get_ydata(), line.values.mean(axis=1)
  )
  assert len(axes.collections) == 2  # the bands
  assert panel(figure, 'feature alignment loss').get_yscale() == 'log'


def test_the_end_of_pretraining_is_marked(tmp_path):
  group = group_of(tmp_path / 'a')
  axes = panel(figures.losses(group), 'gradient norms')
  dashed = [line for line in axes.lines if line.get_linestyle() == '--']
  assert [line.get_xdata()[0] for line in dashed] == [1000]
  # Both phases have the same width.
  left, middle, right = axes.transData.transform(
    [(0, 1), (1000, 1), (1120, 1)]
  )[:, 0]
  assert middle - left == pytest.approx(right - middle)


def test_measures_keep_sample_sizes_apart(tmp_path):
  group = group_of(tmp_path / 'a', seeds=2)
  axes = panel(figures.measures(group), 'Self-BLEU')
  joined = [x for x in axes.lines if x.get_linestyle() == '-']
  marks = [x for x in axes.lines if x.get_marker() == 'D']
  assert [list(x.get_xdata()) for x in joined] == [
    [250, 500, 750, 1000],
    [1040, 1080, 1120],
  ]
  assert [list(x.get_xdata()) for x in marks] == [[1000], [1120]]


def test_real_text_is_drawn_if_comparable(tmp_path):
  figure = figures.measures(group_of(tmp_path / 'a'))

  def dotted(title):
    axes = panel(figure, title)
    return [x.get_ydata()[0] for x in axes.lines if x.get_linestyle() == ':']

  assert dotted('BLEU') == [0.337, 0.218]
  assert dotted('Self-BLEU') == []  # 1,000 samples here, 10,000 in the table
  same = figures.measures(group_of(tmp_path / 'b', hypotheses=1000))
  axes = panel(same, 'Self-BLEU')
  assert [x for x in axes.lines if x.get_linestyle() == ':']


def test_temperature_curves(tmp_path):
  group = group_of(tmp_path / 'a', seeds=3, text=False)
  figure = figures.temperatures([group])
  axes = panel(figure, 'KL(q||p) and KL(p||q)')
  lines = labelled(axes)
  curve = history.temperature_curves(group).phases['last']
  np.testing.assert_allclose(
    lines['moegan'].get_xydata(),
    np.stack([curve[k].mean(axis=1) for k in ('kl_qp', 'kl_pq')], axis=1),
  )
  assert lines['moegan'].get_zorder() > lines['MLE'].get_zorder()
  assert axes.get_title('left').endswith('↙ better')
  # The fake run has no real text with this number of samples.
  assert 'real text' not in lines
  assert panel(figure, 'Jeffreys').get_xlabel() == 'temperature'


def test_temperature_labels_do_not_overlap(tmp_path):
  group = group_of(tmp_path / 'a', text=False)
  curves = group.first.curves
  crowded = {
    phase: {k: np.concatenate([0.01 * v[:-1], v[-1:]]) for k, v in keys.items()}
    for phase, keys in curves.phases.items()
  }
  run = group.first._replace(curves=curves._replace(phases=crowded))
  axes = panel(figures.temperatures([runs.RunGroup('a', (run,))]), 'KL(q||p)')
  boxes = [text.get_window_extent() for text in axes.texts]
  assert not any(a.overlaps(b) for a, b in itertools.combinations(boxes, 2))
  ends = {f'{f(fake_runs.TEMPERATURES):g}' for f in (min, max)}
  assert ends <= {text.get_text() for text in axes.texts}


def test_bleu_is_reversed_so_that_lower_left_is_better(tmp_path):
  axes = panel(figures.temperatures([group_of(tmp_path / 'a')]), 'BLEU-5')
  assert axes.xaxis_inverted() and not axes.yaxis_inverted()
  assert axes.get_xlabel() == 'BLEU-5, axis reversed'


def test_real_text_among_curves_needs_the_same_sample_size(tmp_path):
  group = group_of(tmp_path / 'a')
  assert 'real text' not in labelled(
    panel(figures.temperatures([group]), 'BLEU-5')
  )
  known = group.first.curves._replace(real={'bleu5': 0.2, 'self_bleu5': 0.15})
  run = group.first._replace(curves=known)
  axes = panel(figures.temperatures([runs.RunGroup('a', (run,))]), 'BLEU-5')
  np.testing.assert_allclose(
    labelled(axes)['real text'].get_xydata(), [[0.2, 0.15]]
  )


def test_several_runs_overlay(tmp_path):
  paths = [
    fake_runs.write(tmp_path / 'with $fsa$', seeds=2),
    fake_runs.write(
      tmp_path / '_without', quality=0.1, settings={'fsa': {'weight': 0}}
    ),
    fake_runs.write(tmp_path / 'mle', system='mle'),
  ]
  groups = runs.fold([runs.load(path) for path in paths])
  lines = labelled(panel(figures.temperatures(groups), 'BLEU-5'))
  ours = {'with $fsa$', 'with $fsa$: MLE', ' _without', ' _without: MLE', 'mle'}
  assert ours <= set(lines)
  assert len({lines[k].get_color() for k in ours}) == 3
  training = figures.training(groups)
  assert len(training.axes) == 3
  assert len(labelled(panel(training, 'BLEU-4'))) >= 3


def test_published_curve_is_that_of_mle(tmp_path):
  group = group_of(tmp_path / 'a', text=False, benchmark='synthetic20')
  axes = panel(figures.temperatures([group]), 'NLL oracle')
  (name,) = [k for k in labelled(axes) if k.startswith('published MLE')]
  points = labelled(axes)[name].get_xydata().tolist()
  assert [9.40, 7.61] in points
  assert [8.75, 8.06] not in points  # RL-GAN


def test_every_column_of_panels_has_an_axis_label(tmp_path):
  figure = figures.losses(group_of(tmp_path / 'a'))
  labels = [a.get_xlabel() for a in figure.axes if a.get_visible()]
  assert labels == ['', '', 'step', 'step', 'step']


def test_backward_and_harmonic_bleu_share_panels(tmp_path):
  group = group_of(tmp_path / 'a')
  names = [f'{k}_bleu{n}' for k in ('backward', 'harmonic') for n in (2, 3)]
  records = [
    {'kind': 'eval', 'phase': 'pretrain', 'step': step, 'samples': 10}
    | dict.fromkeys(names, 0.1 * step)
    for step in (1, 2)
  ]
  run = group.first._replace(records=records)
  figure = figures.measures(runs.RunGroup('a', (run,)))
  titles = [a.get_title('left') for a in figure.axes if a.get_visible()]
  assert titles == ['backward BLEU ↑', 'harmonic BLEU ↑']


def test_a_long_legend_fits_and_does_not_shrink_panels(tmp_path):
  names = [f'{"long_name_of_a_run_" * 3}{i}' for i in range(4)]
  paths = [
    fake_runs.write(tmp_path / name, settings={'x': i})
    for i, name in enumerate(names)
  ]
  groups = runs.fold([runs.load(path) for path in paths])
  heights = []
  for some in (groups[:1], groups):
    figure = figures.temperatures(some)
    figure.draw_without_rendering()
    (legend,) = figure.legends
    box, whole = legend.get_window_extent(), figure.bbox
    assert box.x0 >= whole.x0 and box.x1 <= whole.x1
    heights.append(figure.axes[0].get_window_extent().height)
  assert heights[1] > 0.9 * heights[0]


def test_lengths_are_shares(tmp_path):
  group = group_of(tmp_path / 'a')
  figure = figures.lengths(group.first.examples)
  bars = figure.axes[0].patches
  heights = [b.get_height() for b in bars if hasattr(b, 'get_height')]
  assert sum(heights) == pytest.approx(1)
  assert figures.lengths(None) is None


def test_nothing_to_draw(tmp_path):
  path = fake_runs.write(tmp_path / 'a')
  for name in ('curves.json', 'metrics.jsonl', 'features.npz'):
    (path / name).unlink()
  (group,) = runs.fold([runs.load(path)])
  assert figures.losses(group) is None and figures.measures(group) is None
  assert figures.temperatures([group]) is None
  assert figures.training([group]) is None and figures.embeddings([]) is None


def test_embedding_titles_give_the_mixing():
  points = np.random.RandomState(0).standard_normal((20, 2))
  figure = figures.embeddings([('a', Embedding(points, points + 1, 0.25))] * 2)
  assert [a.get_title('left') for a in figure.axes] == ['a: mixing 0.250'] * 2


def test_phases_have_equal_widths():
  axes = Figure().subplots()
  ticks = [0, 62, 162, 172]
  panels._equal_widths(axes, ticks)
  places = axes.transData.transform([(tick, 0) for tick in ticks])[:, 0]
  np.testing.assert_allclose(np.diff(places), np.diff(places)[0])
  middle = axes.transData.transform([(112, 0)])[0, 0]
  np.testing.assert_allclose(middle, places[1:3].mean())
  inverse = axes.transData.inverted().transform([(places[3], 0)])[0, 0]
  np.testing.assert_allclose(inverse, 172)
