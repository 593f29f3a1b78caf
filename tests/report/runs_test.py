"""Reading runs, and pooling runs that differ in their seeds only."""

import json

import fake_runs
import numpy as np
import pytest

from moegan_jax.errors import UserError
from moegan_jax.report import history, runs


def change(path, edit):
  value = json.loads(path.read_text(encoding='utf-8'))
  edit(value)
  path.write_text(json.dumps(value), encoding='utf-8')


def test_a_run_is_read(tmp_path):
  run = runs.load(fake_runs.write(tmp_path / 'a', seeds=2, text=False))
  assert (run.label, run.corpus, run.benchmark) == ('moegan', 'oracle', '')
  assert [row.key for row in run.rows][:2] == ['start', 'last']
  assert run.rows[0].values['kl_pq'].shape == (2,)
  assert run.curves.phases['start']['kl_pq'].shape == (5, 2)
  assert run.features.real.shape == (60, 12)
  assert run.environment['python'] == '3.11.9'
  assert run.examples is None


def test_only_two_files_are_needed(tmp_path):
  path = fake_runs.write(tmp_path / 'a')
  for file in path.iterdir():
    if file.name not in ('config.json', 'results.json'):
      file.unlink()
  run = runs.load(path)
  assert run.curves is run.examples is run.features is None
  assert run.records == [] and run.environment == run.corpus_file == {}


def test_nan_and_incomplete_last_line(tmp_path):
  path = fake_runs.write(tmp_path / 'a', seeds=2)

  def edit(value):
    value['rows'][0]['values']['bleu4'] = ['nan', 0.5]

  change(path / 'results.json', edit)
  with (path / 'metrics.jsonl').open('a') as file:
    file.write(
      '{"kind": "train", "phase": "adversarial", "step": 2000, "fsa": "nan"}\n'
    )
    file.write('{"kind": "train", "phase": "adver')  # incomplete
  run = runs.load(path)
  np.testing.assert_array_equal(run.rows[0].values['bleu4'], [np.nan, 0.5])
  (group,) = runs.fold([run])
  (line,) = history.history(group, 'train', 'fsa')
  assert np.isnan(line.values[-1]).all() and line.steps[-1] == 2000


@pytest.mark.parametrize(
  ('name', 'text', 'said'),
  [
    ('results.json', '{"label": ', 'it is not JSON'),
    ('results.json', '[]', 'damaged'),
    ('results.json', '{"label": "a", "corpus": "b", "rows": 3}', 'damaged'),
    (
      'results.json',
      '{"label": "a", "corpus": "b", "rows": [{"key": "best", "label": "x", '
      '"values": {"bleu2": ["much"]}}]}',
      'damaged',
    ),
    ('config.json', '3', 'damaged'),
    ('environment.json', '[]', 'damaged'),
    (
      'curves.json',
      '{"samples": 9, "temperatures": [1, 2], "curves": {"pretrain": '
      '{"bleu5": [[1.0]]}}}',
      'damaged',
    ),
    ('texts.json', '{"pairs": [{}]}', 'damaged'),
    ('metrics.jsonl', 'x\n{"kind": "train"}\n', 'line 1'),
    ('features.npz', 'no archive', 'damaged'),
  ],
)
def test_error_names_the_damaged_file(tmp_path, name, text, said):
  path = fake_runs.write(tmp_path / 'a')
  (path / name).write_text(text, encoding='utf-8')
  with pytest.raises(UserError) as error:
    runs.load(path)
  assert name in str(error.value) and said in str(error.value)
  assert '\n' not in str(error.value)


def test_unfinished_runs_are_refused(tmp_path):
  path = fake_runs.write(tmp_path / 'a')
  (path / 'results.json').unlink()
  with pytest.raises(UserError, match='not finished'):
    runs.load(path)
  (path / 'config.json').unlink()
  with pytest.raises(UserError, match='is not a run'):
    runs.load(path)
  with pytest.raises(UserError, match='is not a folder'):
    runs.load(tmp_path / 'b')


def test_runs_that_differ_only_in_seed_are_pooled(tmp_path):
  paths = [
    fake_runs.write(tmp_path / f'gan-s{seed}', seeds=n, seed=seed)
    for seed, n in ((0, 1), (1, 2))
  ]
  loaded = [runs.load(path) for path in paths]
  (group,) = runs.fold(loaded)
  assert group.name == 'gan (2 runs)' and group.seeds == 3
  for row, first, second in zip(
    runs.rows(group), loaded[0].rows, loaded[1].rows
  ):
    values = [first.values['bleu4'], second.values['bleu4']]
    np.testing.assert_array_equal(
      row.values['bleu4'], np.concatenate(values), row.key
    )
  curve = history.temperature_curves(group).phases['last']['bleu5']
  assert curve.shape == (5, 3)
  (line,) = history.history(group, 'train', 'nll')
  assert line.values.shape == (20, 3)
  assert len(runs.real([group])) == 2  # both runs have the same real text


def test_runs_that_are_not_pooled(tmp_path):
  made = [
    fake_runs.write(tmp_path / 'a'),
    fake_runs.write(tmp_path / 'b', settings={'fsa': {'weight': 0.0}}),
    fake_runs.write(
      tmp_path / 'deep' / 'a'
    ),  # same settings and seed as the first
    fake_runs.write(tmp_path / 'c', seed=1, hypotheses=500),
  ]
  groups = runs.fold([runs.load(path) for path in made])
  names = [group.name for group in groups]
  assert len(names) == 4 and names[2] == 'deep/a'
  benches = runs.benches(groups)
  assert [len(bench) for bench in benches] == [3, 1]  # another protocol
  with pytest.raises(UserError, match='given twice'):
    runs.fold([runs.load(made[0]), runs.load(made[0])])


def test_missing_row_is_noted(tmp_path):
  paths = [
    fake_runs.write(tmp_path / f'x{seed}', seed=seed) for seed in range(2)
  ]
  change(
    paths[1] / 'results.json',
    lambda value: value['rows'].remove(value['rows'][2]),
  )
  (group,) = runs.fold([runs.load(path) for path in paths])
  rows = {row.key: row for row in runs.rows(group)}
  assert len(rows['best'].values['bleu2']) == 1
  assert 'from 1 of 2 runs' in rows['best'].note
  assert len(rows['start'].values['bleu2']) == 2


def test_sample_sizes_are_not_joined(tmp_path):
  (group,) = runs.fold([runs.load(fake_runs.write(tmp_path / 'a', seeds=2))])
  found = {
    (line.phase, line.samples): line.steps.tolist()
    for line in history.history(group, 'eval', 'self_bleu4')
  }
  assert found == {
    ('pretrain', 1000): [250, 500, 750, 1000],
    ('pretrain', 10_000): [1000],
    ('adversarial', 1000): [1040, 1080, 1120],
    ('adversarial', 10_000): [1120],
  }
  assert history.phase_ends(group) == {'pretrain': 1000, 'adversarial': 1120}
  assert 'samples' not in history.quantities(group, 'eval')


def test_different_steps_are_interpolated(tmp_path):
  paths = [
    fake_runs.write(tmp_path / f'x{seed}', seed=seed) for seed in range(2)
  ]
  for path, steps in zip(paths, ((10, 20, 40), (20, 30, 50))):
    (path / 'metrics.jsonl').write_text(
      ''.join(
        json.dumps(
          {'kind': 'train', 'phase': 'pretrain', 'step': s, 'nll': 2.0 * s}
        )
        + '\n'
        for s in steps
      )
    )
  (group,) = runs.fold([runs.load(path) for path in paths])
  (line,) = history.history(group, 'train', 'nll')
  assert line.steps.tolist() == [20, 30, 40]
  np.testing.assert_allclose(line.values, [[40, 40], [60, 60], [80, 80]])
