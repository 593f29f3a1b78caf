"""Tests the benchmark programs at toy size."""

import json
import subprocess
import sys

import jax
import pytest
import toys

from benchmarks import cases, metrics, scaling, timing, train_step
from benchmarks.table import Row, markdown, records
from benchmarks.timing import Timing, empty_cache, largest, product_rate, timed
from benchmarks.work import (
  Product,
  flop,
)
from moegan_jax.config import select

KEYS = [
  'name',
  'seconds',
  'tokens_per_s',
  'gflop',
  'gflops',
  'matmul_share',
  'peak_bytes',
]
KINDS = ('', ', compilation, cold', ', compilation, warm')
T, V = 5, 11
TINY = [
  '--config=mle:small,smoke',
  '--config.generator.hidden=3',
  f'--config.data.length={T}',
  f'--config.data.vocab_size={V}',
  '--config.data.train_size=40',
  '--config.data.test_size=30',
  '--config.mle.batch=4',
  '--config.eval.chunk=8',
  '--repeats=2',
]


@pytest.fixture(autouse=True, scope='module')
def short_timings(quick_compilation):
  """Shortens the time over which calls are repeated."""
  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(timing, 'LONG', 1e-3)
    patch.setattr(cases, 'LONG', 1e-3)
    yield


def game():
  """Builds a case of two small players, with an LSTM in the generator."""
  c = toys.settings('relgan', generator__cell='lstm', generator__hidden=3)
  c.discriminator.widths = (2,)
  c.discriminator.representations = 2
  c.mle.update(batch=4, epochs=1)
  c.adversarial.update(batch=4, d_steps=2, steps=3)
  tokens = jax.numpy.arange(40 * T).reshape(40, T) % V
  return cases.build(c, V, tokens)


def test_train_step_prints_records(capsys):
  flags = ['--samples=12', '--no_warm', '--json']
  assert train_step.main([*TINY, *flags]) == 0
  out, err = capsys.readouterr()
  rows = {row['name'].split(' (')[0]: row for row in json.loads(out)}
  assert all(list(row) == KEYS for row in rows.values())
  assert list(rows) == [
    'MLE step',
    'MLE step, compilation, cold',
    'sampling of 12',
    'sampling of 12, compilation, cold',
    'process, peak memory',
  ]
  step = rows['MLE step']
  # Input and recurrent map to four gates, and the readout; three times.
  needed = 3 * 2 * 4 * T * (32 * 12 + 3 * 12 + 3 * V)
  assert step['gflop'] == pytest.approx(needed / 1e9)
  assert step['gflops'] == pytest.approx(step['gflop'] / step['seconds'])
  assert step['tokens_per_s'] == pytest.approx(4 * T / step['seconds'])
  assert step['matmul_share'] > 0 and step['peak_bytes'] > 40 * T * 4
  sampling = rows['sampling of 12']
  assert sampling['tokens_per_s'] == pytest.approx(12 * T / sampling['seconds'])
  assert rows['process, peak memory']['peak_bytes'] > step['peak_bytes']
  assert (
    '| MLE step |' in err and 'seeds 1' in err and 'float32' in step['name']
  )


def test_steps_of_a_game_add_up_to_its_iteration():
  case = game()
  made = {p.name: p for p in cases.pieces(case)}
  assert list(made) == [
    'MLE step',
    'generator step',
    'discriminator step',
    'whole iteration',
  ]
  counts = {name: p.steps for name, p in made.items()}
  assert counts['discriminator step'] == 2 and counts['generator step'] == 1
  whole = flop(made['whole iteration'].products)
  parts = flop(made['generator step'].products)
  parts += 2 * flop(made['discriminator step'].products)
  assert whole == pytest.approx(parts)
  assert 'S 2' in cases.setting(case) and '1 + 2' in cases.setting(case)


def pools(negatives):
  """Builds a case whose discriminator learns on 3 pools per iteration."""
  c = toys.settings('seqgan', pool__negatives=negatives)
  c.mle.update(batch=4, epochs=1)
  c.adversarial.update(batch=4, d_steps=3, steps=3)
  return cases.build(c, V, cases.random_text(V, T, 40))


@pytest.mark.parametrize('negatives, timed_updates', [(6, 6), (4000, 32)])
def test_a_step_of_a_pool_is_one_update(negatives, timed_updates):
  case = pools(negatives)
  made = {p.name: p for p in cases.pieces(case)}
  step, whole = made['discriminator step'], made['whole iteration']
  assert step.steps == timed_updates  # in 2 passes
  # The batches of real text of a single pool of at most 8 batches.
  assert step.update.batches == min(8, -(-negatives // 4))
  updates = 3 * 2 * (2 * negatives // 4)
  parts = flop(made['generator step'].products) + updates * flop(step.products)
  assert flop(whole.products) == pytest.approx(parts)
  assert f'1 + 3 x {updates // 3}' in cases.setting(case)


def test_system_without_likelihood_training_has_no_mle_step():
  case = cases.build(toys.settings('scratchgan'), V, game().tokens)
  names = [piece.name for piece in cases.pieces(case)]
  assert names == ['discriminator step', 'generator step', 'whole iteration']
  assert 'D hidden 3' in cases.setting(case)
  assert 'MLE' not in cases.setting(case)


def test_state_of_a_phase_is_at_its_first_step():
  case = pools(6)
  made = cases.prepare(case, cases.pieces(case)[-1])
  # After 10 iterations of likelihood and the pre-training of D.
  assert made.start == made.state.step == 10 + case.config.pool.pretraining


@pytest.mark.slow
def test_times_a_step_of_a_pool():
  case = pools(6)
  step = cases.pieces(case)[2]
  row = cases.measure(case, step, 2, warm=False)
  assert row.gflop == flop(step.products) / 1e9
  assert row.tokens == pytest.approx(2 * 4 * T / 6)  # the real text of a pool
  assert row.timing.median > 0


@pytest.mark.slow
@pytest.mark.parametrize('number', [1, 2, 3])
def test_times_the_steps_of_a_game(number):
  case = game()
  piece = cases.pieces(case)[number]
  with empty_cache():
    row = cases.measure(case, piece, 2, warm=True)
  assert row.name == piece.name
  assert 0 < row.timing.low <= row.timing.median <= row.timing.high
  assert row.tokens == (3 if piece.name == 'whole iteration' else 1) * 4 * T
  assert row.gflop == flop(piece.products) / 1e9
  assert row.cold > 0 and row.warm > 0
  kinds = [r['name'] for r in json.loads(records([row], 'x', None))]
  assert kinds == [f'{piece.name}{kind} (x)' for kind in KINDS]


def test_scaling_changes_one_size(capsys):
  argv = [*TINY, '--axis=seeds:2', '--axis=batch:99999', '--json']
  assert scaling.main(argv) == 0
  out, err = capsys.readouterr()
  row = json.loads(out)[0]
  assert row['name'].startswith('seeds 2, MLE step (random text')
  step = 3 * 2 * 4 * T * (32 * 12 + 3 * 12 + 3 * V)
  assert row['gflop'] == pytest.approx(2 * step / 1e9)
  assert 'left out: mle.batch=99999' in err


def test_each_axis_changes_its_size():
  base = game()
  few = {'batch': 2, 'length': 3, 'vocabulary': 7, 'representations': 1}
  few |= {'experts': 1, 'seeds': 1}
  assert few.keys() == scaling.AXES.keys()
  config = base.config.copy_and_resolve_references()
  select(config, 'generator', experts=2)
  config.num_seeds = 2

  def cost(axis, size):
    made = scaling.case_of(config, axis, size, V, T)
    whole = cases.pieces(made)[-1]
    return made.config.num_seeds * flop(whole.products)

  standard = cost('batch', 4)
  for axis, size in few.items():
    assert cost(axis, size) < standard, axis
  assert cost('seeds', 1) == standard / 2
  assert cost('batch', 2) == pytest.approx(standard / 2)


def test_metrics_against_n(capsys):
  assert metrics.main([*TINY, '--sizes=20,30']) == 0
  lines = capsys.readouterr().out.splitlines()
  names = [line.split('|')[1].strip() for line in lines if '|' in line]
  for n in (20, 30):
    assert {f'bleu, n {n}', f'nll, n {n}', f'divergences, n {n}'} < set(names)


@pytest.mark.parametrize(
  'main, argv, says',
  [
    (train_step.main, ['--repeats=0'], '--repeats'),
    (train_step.main, ['--config=configs/none.py'], 'configs/none.py'),
    (train_step.main, ['--config.nonsense=1'], 'nonsense'),
    (scaling.main, ['--axis=width'], 'width'),
    (scaling.main, ['--axis=batch:x'], 'batch:x'),
    (scaling.main, [*TINY, '--axis=batch:99999'], 'none of the sizes'),
    (metrics.main, ['--sizes=0'], '--sizes'),
  ],
)
def test_bad_input_is_one_line(capsys, main, argv, says):
  assert main(argv) == 2
  error = capsys.readouterr().err.strip().splitlines()[-1]
  assert error.startswith('error: ') and says in error


def test_rejects_sizes_beyond_the_corpus(tmp_path, capsys):
  path = tmp_path / 'small.txt'
  path.write_text(''.join(f'line number {i}\n' for i in range(50)))
  argv = ['--config=mle:text,smoke', f'--config.data.path={path}']
  assert metrics.main([*argv, '--sizes=4,400']) == 2
  assert 'for n up to 5;' in capsys.readouterr().err


def test_help():
  found = subprocess.run(
    [sys.executable, '-m', 'benchmarks.train_step', '--help'],
    capture_output=True,
    text=True,
    check=True,
  )
  assert '--json' in found.stdout


def test_cache_is_empty_at_first_and_removed_afterwards():
  before = jax.config.jax_compilation_cache_dir
  with empty_cache():
    assert jax.config.jax_compilation_cache_dir != before
  assert jax.config.jax_compilation_cache_dir == before


def test_times_are_medians():
  found = timed(lambda: jax.numpy.zeros(1), 3)
  assert 0 < found.low <= found.median <= found.high
  assert Timing(2.0, 1.0, 4.0).over(2) == (1.0, 0.5, 2.0)


def test_largest_products_and_their_rate():
  found = largest(
    [Product(2, 3, 4), Product(9, 9, 9), Product(2, 3, 4, 50)], count=1
  )
  assert found == [Product(2, 3, 4, 51)]
  assert 0 < product_rate(Product(64, 64, 64), repeats=1) < 1e6


def test_table_omits_empty_columns():
  rows = [
    Row('a', Timing(0.5, 0.25, 1.0), tokens=100, gflop=2.0),
    Row('b', Timing(1234.0, 1.0, 2.0)),
  ]
  assert markdown(rows, 8.0).splitlines() == [
    '| what | seconds | quartiles | tokens/s | GFLOP | GFLOP/s | share |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
    '| a | 0.5 | 0.25-1 | 200 | 2 | 4 | 50% |',
    '| b | 1,234 | 1-2 |  |  |  |  |',
  ]
  assert json.loads(records(rows, 'x', 8.0))[0] == {
    'name': 'a (x)',
    'seconds': 0.5,
    'tokens_per_s': 200,
    'gflop': 2.0,
    'gflops': 4.0,
    'matmul_share': 0.5,
    'peak_bytes': None,
  }
