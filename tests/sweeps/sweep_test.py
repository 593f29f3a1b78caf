"""Sweeps: what shares what, one that is interrupted, and bad grids."""

import contextlib
import io
import json
import os
import pathlib
import signal

import jax
import numpy as np
import pytest

import moegan_jax
from moegan_jax import config as configs
from moegan_jax import data
from moegan_jax.cli import sweep
from moegan_jax.cli.shared import changes_of
from moegan_jax.config.scales import CORPORA
from moegan_jax.experiment import train_app, warm_start
from moegan_jax.store.checkpoint import Store
from moegan_jax.sweeps import grid as grids
from moegan_jax.sweeps import joint_training, plan

pytestmark = pytest.mark.usefixtures('own_cache', 'no_figures', 'in_root')

ROOT = pathlib.Path(moegan_jax.__file__).resolve().parents[1]
EPOCH, STEPS = 6, 4

# A whole experiment in a few seconds.
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
# The two are one program.
CELLS = {'slow': {}, 'fast': {'adversarial.g_lr': 1e-3, 'fsa.weight': 0.5}}
ABLATION = ROOT / 'configs/sweeps/moegan_ablation.py'


def grid_file(folder, cells, seeds=2, **more):
  """A grid of tiny experiments, as a file."""
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


def run(*argv):
  """Exit code, stdout and stderr of a command line, in this process."""
  out, err = io.StringIO(), io.StringIO()
  with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
    code = sweep.main(list(map(str, argv)))
  return code, out.getvalue(), err.getvalue()


@pytest.fixture(scope='module')
def in_root():
  """Works in the checkout, and keeps what is compiled."""
  with pytest.MonkeyPatch.context() as patch:
    patch.chdir(ROOT)
    patch.setattr(jax, 'clear_caches', lambda: None)
    yield


# --- the plan ----------------------------------------------------------------


def cells_of(changes, seeds=2):
  base = configs.load('moegan:small')
  given = {'num_seeds': seeds}
  return {k: grids.configure(base, given | v) for k, v in changes.items()}


def programs(changes, members=16, folder='nowhere'):
  """Which cells share a program."""
  cells = cells_of(changes)
  found = plan.units(cells, list(cells), pathlib.Path(folder), members)
  return [unit.cells for unit in found]


@pytest.mark.parametrize(
  'key, one, two, together',
  [
    ('adversarial.g_lr', 1e-4, 1e-3, True),
    ('adversarial.clip', 1.0, float('inf'), True),
    ('game.beta', 1.0, 10.0, True),
    ('game.penalty', 1.0, 10.0, True),
    ('game.penalty', -1.0, 10.0, False),
    ('game.penalty', 0.0, 10.0, False),
    ('fsa.weight', 0.5, 1.0, True),
    ('fsa.weight', 0.0, 1.0, False),
    ('ccl.weight', 0.0, 1.0, False),
    ('mle.lr', 1e-3, 1e-2, True),
    ('generator.experts', 1, 2, False),
    ('game.loss', 'rsgan', 'hinge', False),
    ('seed', 0, 1, False),
    ('init_from', 'a', 'b', True),
    ('init_from', '', 'b', False),
  ],
)
def test_what_may_be_one_program(key, one, two, together):
  found = programs({'one': {key: one}, 'two': {key: two}})
  assert found == ([('one', 'two')] if together else [('one',), ('two',)])


def test_groups_stand_where_their_first_cell_stands_and_are_cut():
  changes = {
    f'{kind}{i}': {'adversarial.g_lr': 1e-4 * (1 + i), 'fsa.weight': weight}
    for i in range(3)
    for kind, weight in (('with', 1.0), ('without', 0.0))
  }
  with_all = ('with0', 'with1', 'with2')
  without = ('without0', 'without1', 'without2')
  assert programs(changes) == [with_all, without]
  # Two seeds each: two cells are four members.
  cut = [with_all[:2], without[:2], with_all[2:], without[2:]]
  assert programs(changes, members=5) == cut
  assert len(programs(changes, members=1)) == 6


def test_a_grid_that_grows_leaves_what_has_begun_alone(tmp_path):
  changes = {k: {'fsa.weight': w} for k, w in (('a', 1.0), ('b', 2.0))}
  more = changes | {'c': {'fsa.weight': 3.0}}
  begun = tmp_path / 'groups' / 'a+b'
  (begun / 'checkpoints' / 'last-5').mkdir(parents=True)
  recorded = {k: c.to_dict() for k, c in cells_of(changes).items()}
  (begun / 'config.json').write_text(json.dumps(recorded))
  assert programs(more, folder=tmp_path) == [('a', 'b'), ('c',)]
  (tmp_path / 'a' / 'rows').mkdir(parents=True)  # it has left the group
  found = plan.units(cells_of(more), list(more), tmp_path, 16)
  assert found == [
    plan.Unit('a', ('a',)),
    plan.Unit('a+b', ('a', 'b')),
    plan.Unit('c', ('c',)),
  ]
  # One that gets other settings leaves it as well.
  lower = more | {'b': {'fsa.weight': 0.5}}
  found = plan.units(cells_of(lower), list(lower), tmp_path, 16)
  assert [unit.cells for unit in found] == [('a',), ('b', 'c')]
  (tmp_path / 'b' / 'rows').mkdir(parents=True)
  assert programs(more, folder=tmp_path) == [('a',), ('b',), ('c',)]


def test_a_group_that_starts_again_has_a_folder_of_its_own(tmp_path):
  changes = {k: {'fsa.weight': w} for k, w in (('a', 1.0), ('b', 2.0))}
  begun = tmp_path / 'groups' / 'a+b'
  (begun / 'checkpoints' / 'last-5').mkdir(parents=True)
  recorded = {k: c.to_dict() for k, c in cells_of(changes).items()}
  (begun / 'config.json').write_text(json.dumps(recorded))

  def unit(changes):
    (found,) = plan.units(cells_of(changes), list(changes), tmp_path, 16)
    return found

  longer = {k: v | {'adversarial.steps': 200} for k, v in changes.items()}
  assert unit(longer).name == 'a+b'  # it goes on
  slower = {k: v | {'adversarial.g_lr': 1e-5} for k, v in changes.items()}
  assert unit(slower) == plan.Unit('a+b-again', ('a', 'b'))


def test_names_of_groups_are_of_bearable_length(tmp_path):
  changes = {f'cell{i}' * 9: {'fsa.weight': 1.0 + i} for i in range(5)}
  cells = cells_of(changes)
  (unit,) = plan.units(cells, list(cells), tmp_path, 16)
  assert len(unit.cells) == 5 and len(unit.name) <= 60


def test_who_shares_a_start():
  changes = {
    'a': {},
    'b': {'fsa.weight': 0.0},
    'c': {'generator.experts': 1},
    'd': {'generator.experts': 1, 'adversarial.steps': 5},
    'alone': {'mle.lr': 1e-3},
    'none': {'mle.epochs': 0},
    'given': {'init_from': 'elsewhere'},
    'mle': {'system': 'mle'},
  }
  cells = cells_of(changes)
  shared = plan.share_starts(cells, pathlib.Path('x'))
  assert list(shared.starts) == ['a', 'c']
  froms = {k: c.init_from for k, c in shared.cells.items() if c.init_from}
  assert froms == {
    'a': 'x/starts/a',
    'b': 'x/starts/a',
    'c': 'x/starts/c',
    'd': 'x/starts/c',
    'given': 'elsewhere',
  }
  assert shared.starts['c'].system == 'mle'
  assert 'adversarial' not in shared.starts['c']
  assert shared.starts['c'].generator == cells['c'].generator
  assert not cells['a'].init_from, 'the grid itself is left as it is'


@pytest.mark.parametrize(
  'path', sorted(ABLATION.parent.glob('[a-z]*.py')), ids=lambda p: p.stem
)
def test_the_lists_of_our_own_grids(path, tmp_path):
  workdir = f'--workdir={tmp_path / "x"}'
  code, out, err = run(f'--grid={path}:smoke', workdir, '--list')
  assert code == 0, err
  said = {line.strip().partition(':')[0] for line in out.splitlines()[1:]}
  assert grids.load(f'{path}:smoke').cells.keys() <= said
  assert not (tmp_path / 'x').exists()
  if path == ABLATION:
    assert 'no_alignment: ' in out and ', from starts/full, fsa.wei' in out


def test_settings_of_the_command_line_are_those_of_all_cells():
  asked = {'game.beta': 100, 'generator.experts': 3, 'data.limit': 7}
  cells = grids.load(f'{ABLATION}:small', None, asked).cells
  assert {c.game.beta for c in cells.values()} == {100.0}
  assert {c.data.limit for c in cells.values()} == {7}
  # One that sets it itself keeps its value: it is what the cell is about.
  assert cells['full'].generator.experts == 3
  assert cells['no_mixture'].generator.experts == 1
  read = changes_of(['--config.mle.lr=1e-3', '--config.data.dir=a=b'])
  assert read == {'mle.lr': '1e-3', 'data.dir': 'a=b'}
  cells = grids.load(
    f'{ABLATION}:small', None, changes_of(['--config.mle.lr=1e-3'])
  ).cells
  assert {c.mle.lr for c in cells.values()} == {0.001}


@pytest.mark.parametrize('name', [c for c in CORPORA if c != 'coco'])
def test_grids_run_on_other_corpora(name):
  cells = grids.load(f'{ABLATION}:{name},smoke').cells
  other = grids.load(f'{ABLATION}:smoke').cells
  assert cells.keys() == other.keys()
  assert cells['full'].data != other['full'].data


# --- bad input ---------------------------------------------------------------

# name -> (what get_sweep returns, words of the message)
BAD = {
  'not a dict': ('None', ['get_sweep', 'dict']),
  'no cells': ("{'base': BASE}", ['cells']),
  'key': ("{'base': BASE, 'cell': {}, 'cells': {'a': {}}}", ["'cells'"]),
  'no base': ("{'cells': {'a': {}}}", ['cell a', 'base=None']),
  'base': ("{'base': 'configs/no.py', 'cells': {'a': {}}}", ['configs/no.py']),
  'setting': (
    "{'base': BASE, 'cells': {'a': {'fsa.wieght': 1}}}",
    ['cell a', 'fsa.wieght', 'fsa.weight?'],
  ),
  'section': (
    "{'base': BASE, 'cells': {'a': {'fsa': {'weight': 1}}}}",
    ['cell a', 'fsa', 'section'],
  ),
  'type': (
    "{'base': BASE, 'cells': {'a': {'mle.epochs': 1.5}}}",
    ['cell a', 'mle.epochs=1.5', 'int'],
  ),
  'text': (
    "{'base': BASE, 'cells': {'a': {'mle.lr': '1'}}}",
    ['cell a', "mle.lr='1'", 'float'],
  ),
  'bool': (
    "{'base': BASE, 'cells': {'a': {'mle.epochs': True}}}",
    ['cell a', 'mle.epochs=True', 'int'],
  ),
  'value': (
    "{'base': BASE, 'cells': {'a': {'mle.lr': 0.0}}}",
    ['cell a', 'mle.lr=0', 'positive'],
  ),
  'seeds': ("{'base': BASE, 'cells': {'a': {}}, 'seeds': 0}", ['num_seeds']),
  'members': ("{'base': BASE, 'cells': {'a': {}}, 'members': 0}", ['members']),
  'name': ("{'base': BASE, 'cells': {'a/b': {}}}", ['a/b', 'letters']),
  'number': ("{'base': BASE, 'cells': {1: {}}}", ['cell 1', 'text']),
  'list of cells': ("{'base': BASE, 'cells': [{}]}", ["'cells'", 'dict']),
  'no changes': ("{'base': BASE, 'cells': {'a': None}}", ['cell a', 'dict']),
  'no effect': (
    "{'base': BASE, 'cells': {'a': {'slgan.noise': 0.2}}}",
    ['cell a', 'slgan.noise', 'system=moegan'],
  ),
  'taken': ("{'base': BASE, 'cells': {'groups': {}}}", ['groups']),
  'fails': ('1 / 0', ['bad.py', 'ZeroDivisionError']),
  # Found when the system is built, before anything is trained.
  'system': (
    "{'base': BASE, 'cells': {'a': {}, 'b': {'system': 'moegna'}}}",
    ['cell b', 'moegna', "'moegan'"],
  ),
  'best': (
    "{'base': BASE, 'cells': {'a': {}, 'b': {'eval.best': 'blue4'}}}",
    ['cell b', 'eval.best', 'blue4'],
  ),
  'batch': (
    "{'base': BASE, 'cells': {'a': {'mle.batch': 101}}}",
    ['cell a', 'mle.batch=101', '100'],
  ),
}


@pytest.mark.parametrize('name', BAD)
def test_a_bad_grid_is_one_clear_line(name, tmp_path):
  text, words = BAD[name]
  path = tmp_path / 'bad.py'
  path.write_text(
    'from moegan_jax import config\n'
    f'BASE = config.override(config.load("moegan:small"), {TINY})\n\n\n'
    f'def get_sweep(variant):\n  return {text}\n'
  )
  assert_refused([f'--grid={path}', f'--workdir={tmp_path / "x"}'], words)
  assert not list(tmp_path.glob('x/*/checkpoints'))


@pytest.mark.parametrize(
  'argv, words',
  [
    ([], ['--grid']),
    (['--grid=no.py'], ['no.py']),
    (['--grid=.'], ['no file']),
    (['--grid=launch.py'], ['launch.py', 'get_sweep']),
    ([f'--grid={ABLATION}:huge'], ['huge', 'smoke']),
    ([f'--grid={ABLATION}', '--only=ful'], ['--only', "'full'"]),
    ([f'--grid={ABLATION}', '--members=0'], ['--members=0']),
    ([f'--grid={ABLATION}', '--member=3'], ['--member']),
    ([f'--grid={ABLATION}', '--seeds=0'], ['--seeds=0']),
    ([f'--grid={ABLATION}:small,emnlp'], ['small and emnlp', 'two corpora']),
    ([f'--grid={ABLATION}', '--config.game.bta=2'], ['game.bta', 'game.beta']),
    ([f'--grid={ABLATION}', '--config.game.beta'], ['--config.game.beta']),
    ([f'--grid={ABLATION}', '--config.jsd.normalise=none'], ['jsd.normalise']),
  ],
)
def test_a_bad_command_line_is_one_clear_line(argv, words):
  assert_refused(argv, words)


def assert_refused(argv, words):
  code, _, err = run(*argv)
  assert code == 2, err
  (line,) = err.splitlines()
  assert line.startswith('error: ') and 'Traceback' not in line
  for word in words:
    assert word in line, f'{word!r} is not in {line!r}'


# --- a sweep -----------------------------------------------------------------


@pytest.fixture(scope='module')
def swept(tmp_path_factory, own_cache):
  """A sweep that was interrupted once: folder, command, what was said."""
  folder = tmp_path_factory.mktemp('sweep')
  argv = (f'--grid={grid_file(folder, CELLS)}', f'--workdir={folder / "toy"}')
  save = Store.save

  def save_and_signal(self, kind, step, *args, **more):
    save(self, kind, step, *args, **more)
    of_the_group = self.directory.parent.name == 'slow+fast'
    if of_the_group and (kind, step) == ('last', 2):
      os.kill(os.getpid(), signal.SIGTERM)

  with pytest.MonkeyPatch.context() as patch:
    patch.setattr(Store, 'save', save_and_signal)
    first = run(*argv)
  return folder / 'toy', argv, first, run(*argv)


def test_interrupted_and_continued(swept):
  folder, _, (code, _, err), (again, out, said) = swept
  assert code == 130 and again == 0, said
  assert 'SIGTERM: saved in' in err.splitlines()[-1]
  assert f'resumed at step 2 of {STEPS}' in out
  for name in ('report.html', 'results.md'):
    text = (folder / name).read_text(encoding='utf-8')
    for cell in CELLS:
      assert f'{cell}: moegan, last' in text or cell in text, (name, cell)


def test_a_cell_is_an_ordinary_run(swept):
  folder = swept[0]
  config = json.loads((folder / 'fast/config.json').read_text())
  assert config['adversarial']['g_lr'] == 1e-3 and config['num_seeds'] == 2
  lines = (folder / 'fast/metrics.jsonl').read_text().splitlines()
  records = [json.loads(line) for line in lines]
  assert [r['step'] for r in records if r['kind'] == 'train'] == [1, 2, 3, 4]
  assert all(len(r['g_loss']) == 2 for r in records if 'g_loss' in r)
  names = {path.name for path in (folder / 'fast/samples').iterdir()}
  assert {
    f'adversarial-seed{i}-{s}.txt' for i in (0, 1) for s in (2, 4)
  } == names
  row = json.loads((folder / f'fast/rows/last-{STEPS}.json').read_text())
  one = moegan_jax.load(folder / 'fast', seed_index=1)
  assert len(one.sample(3)) == 3 and len(row['jeffreys']) == 2
  for name in ('results.json', 'curves.json', 'features.npz'):
    assert (folder / 'fast' / name).is_file(), name


def test_the_start_is_trained_and_measured_once(swept):
  folder = swept[0]
  start = folder / 'starts/slow/rows'
  for ours, theirs in (
    ('start-0', f'start-{EPOCH}'),
    ('curve_start-0', f'curve_start-{EPOCH}'),
    ('start_tempered-0', f'start_tempered-{EPOCH}'),
    ('real_train-40', 'real_train-40'),
    ('real_few-20', 'real_few-20'),
  ):
    for cell in CELLS:
      own = (folder / cell / f'rows/{ours}.json').read_text()
      assert own == (start / f'{theirs}.json').read_text(), (cell, ours)
  out = swept[3][1]
  assert 'measuring adversarial' in out and 'measuring pretrain' not in out


def arrays(workdir, kind='last'):
  """The arrays of the newest checkpoint by path, and its step."""
  saved = Store(workdir / 'checkpoints').restore(kind)
  flat, _ = jax.tree_util.tree_flatten_with_path(saved.tree)
  plain = {
    jax.tree_util.keystr(path): np.asarray(x)
    for path, x in flat
    if not jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key)
  }
  return plain, saved.step


def test_a_cell_of_a_group_is_what_it_is_alone(swept, tmp_path):
  folder, alone = swept[0], tmp_path / 'fast'
  config = grids.configure(
    configs.load('moegan:small'),
    TINY
    | CELLS['fast']
    | {'num_seeds': 2, 'init_from': str(folder / 'starts/slow')},
  )
  with contextlib.redirect_stdout(io.StringIO()):
    assert train_app.run(config, alone) == 0
  for kind in ('last', 'best', 'phase'):
    (a, step_a), (b, step_b) = (
      arrays(folder / 'fast', kind),
      arrays(alone, kind),
    )
    assert step_a == step_b and a.keys() == b.keys()
    for path, x in a.items():
      np.testing.assert_allclose(x, b[path], rtol=1e-5, atol=1e-5, err_msg=path)
  other, _ = arrays(folder / 'slow')
  assert any((x != other[path]).any() for path, x in a.items())
  rows = {p.name: json.loads(p.read_text()) for p in alone.glob('rows/*')}
  assert {p.name for p in folder.glob('fast/rows/*')} == rows.keys()
  for name, row in rows.items():
    own = json.loads((folder / 'fast/rows' / name).read_text())
    for key, value in row.items():
      np.testing.assert_allclose(
        own[key], value, rtol=1e-4, atol=1e-4, err_msg=f'{name} {key}'
      )


def test_the_same_command_again_trains_nothing(swept, monkeypatch):
  _, argv, *_ = swept

  def no(*_):
    raise AssertionError('a finished sweep must not run anything')

  monkeypatch.setattr(train_app, 'run', no)
  monkeypatch.setattr(joint_training, 'run', no)
  code, out, err = run(*argv)
  assert code == 0, err
  assert '2 of 2 cells' in out
  code, out, _ = run(*argv, '--list')
  assert code == 0 and out.count('has results') == 2 and 'MLE' not in out


def test_a_changed_cell_is_refused_by_the_name_of_the_key(swept, tmp_path):
  folder, argv, *_ = swept
  path = grid_file(tmp_path, {'slow': {'adversarial.d_lr': 0.5}, 'fast': {}})
  code, _, err = run(f'--grid={path}', argv[1])
  assert code == 2 and 'adversarial.d_lr' in err and str(folder) in err


@pytest.mark.parametrize(
  'change, rows',
  [
    ({}, 5),
    ({'eval.samples': 99}, 5),  # of no row
    ({'eval.final_samples': 41}, 0),
    ({'eval.temperatures': (1.0,)}, 0),
    ({'num_seeds': 3}, 0),
  ],
)
def test_rows_are_taken_over_where_they_were_measured_alike(
  swept, change, rows
):
  given = {'num_seeds': 2, 'init_from': str(swept[0] / 'starts/slow')}
  config = grids.configure(configs.load('moegan:small'), TINY | given | change)
  corpus = data.load(config.data).corpus
  assert len(warm_start.known_rows(config, corpus)) == rows


def test_a_member_that_diverges():
  records = [
    {'kind': 'eval', 'phase': 'a', 'step': 1, 'time': 0.0, 'x': [np.nan] * 4},
    {'kind': 'train', 'phase': 'a', 'step': 2, 'time': 0.0, 'x': [1.0] * 4},
    {
      'kind': 'train',
      'phase': 'a',
      'step': 3,
      'time': 0.0,
      'y': [1.0, 1.0, np.nan, 1.0],
    },
  ]
  assert joint_training._fault(records, slice(0, 2)) == ''
  fault = joint_training._fault(records, slice(2, 4))
  assert 'phase a, by step 3: y is not finite' in fault


@pytest.mark.slow
def test_a_cell_that_diverges_does_not_stop_the_others(tmp_path):
  cells = {'good': {}, 'bad': {'adversarial.g_lr': 1e38}}
  argv = (
    f'--grid={grid_file(tmp_path, cells, seeds=1)}',
    f'--workdir={tmp_path / "toy"}',
  )
  code, out, err = run(*argv)
  assert code == 1, err
  assert 'bad has no result: phase adversarial' in out
  assert 'without results: bad' in out and '1 of 2 cells' in out
  assert (tmp_path / 'toy/good/results.json').is_file()
  assert run(*argv)[0] == 1


@pytest.mark.slow
def test_without_a_shared_start_a_group_pretrains(tmp_path):
  cells = {'a': {}, 'b': {'mle.lr': 1e-2, 'game.beta': 2.0}, 'c': {}}
  cells['c'] = {'fsa.weight': 0.0, 'ccl.weight': 1.0}
  path = grid_file(tmp_path, cells, seeds=1, share_start=False)
  code, _, err = run(f'--grid={path}', f'--workdir={tmp_path / "toy"}')
  assert code == 0, err
  assert not (tmp_path / 'toy/starts').exists()
  assert (tmp_path / 'toy/groups/a+b').is_dir()
  rows = [
    json.loads((tmp_path / f'toy/{c}/rows/start-{EPOCH}.json').read_text())
    for c in cells
  ]
  assert rows[0]['nll_train'] != rows[1]['nll_train']
  assert rows[0]['nll_train'] == pytest.approx(rows[2]['nll_train'], rel=1e-5)
