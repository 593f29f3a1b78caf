"""Plans of sweeps: cells that train together, and shared warm starts."""

import json
import pathlib

import pytest
from toy_grids import ABLATION

from moegan_jax import config as configs
from moegan_jax.cli.shared import changes_of
from moegan_jax.config.scales import CORPORA
from moegan_jax.sweeps import grid as grids
from moegan_jax.sweeps import plan


def cells_of(changes, seeds=2):
  base = configs.load('moegan:small')
  given = {'num_seeds': seeds}
  return {k: grids.configure(base, given | v) for k, v in changes.items()}


def programs(changes, members=16, folder='nowhere'):
  """Returns the groups of cells that train together."""
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
def test_cells_that_may_train_together(key, one, two, together):
  found = programs({'one': {key: one}, 'two': {key: two}})
  assert found == ([('one', 'two')] if together else [('one',), ('two',)])


def test_groups_follow_their_first_cell_and_are_split_by_size():
  changes = {
    f'{kind}{i}': {'adversarial.g_lr': 1e-4 * (1 + i), 'fsa.weight': weight}
    for i in range(3)
    for kind, weight in (('with', 1.0), ('without', 0.0))
  }
  with_all = ('with0', 'with1', 'with2')
  without = ('without0', 'without1', 'without2')
  assert programs(changes) == [with_all, without]
  # With two seeds each, two cells are four members.
  cut = [with_all[:2], without[:2], with_all[2:], without[2:]]
  assert programs(changes, members=5) == cut
  assert len(programs(changes, members=1)) == 6


def test_new_cells_do_not_change_started_groups(tmp_path):
  changes = {k: {'fsa.weight': w} for k, w in (('a', 1.0), ('b', 2.0))}
  more = changes | {'c': {'fsa.weight': 3.0}}
  begun = tmp_path / 'groups' / 'a+b'
  (begun / 'checkpoints' / 'last-5').mkdir(parents=True)
  recorded = {k: c.to_dict() for k, c in cells_of(changes).items()}
  (begun / 'config.json').write_text(json.dumps(recorded))
  assert programs(more, folder=tmp_path) == [('a', 'b'), ('c',)]
  # A cell with rows has left the group.
  (tmp_path / 'a' / 'rows').mkdir(parents=True)
  found = plan.units(cells_of(more), list(more), tmp_path, 16)
  assert found == [
    plan.Unit('a', ('a',)),
    plan.Unit('a+b', ('a', 'b')),
    plan.Unit('c', ('c',)),
  ]
  # A cell with changed settings leaves the group.
  lower = more | {'b': {'fsa.weight': 0.5}}
  found = plan.units(cells_of(lower), list(lower), tmp_path, 16)
  assert [unit.cells for unit in found] == [('a',), ('b', 'c')]
  (tmp_path / 'b' / 'rows').mkdir(parents=True)
  assert programs(more, folder=tmp_path) == [('a',), ('b',), ('c',)]


def test_restarted_group_gets_a_new_folder(tmp_path):
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


def test_group_names_have_at_most_60_characters(tmp_path):
  changes = {f'cell{i}' * 9: {'fsa.weight': 1.0 + i} for i in range(5)}
  cells = cells_of(changes)
  (unit,) = plan.units(cells, list(cells), tmp_path, 16)
  assert len(unit.cells) == 5 and len(unit.name) <= 60


def test_cells_with_equal_pretraining_share_a_warm_start():
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


def test_a_generator_that_mle_cannot_train_shares_no_warm_start():
  one = configs.load('leakgan:small')
  two = configs.override(one, {'adversarial.steps': 5})
  shared = plan.share_starts({'a': one, 'b': two}, pathlib.Path('x'))
  assert not shared.starts
  assert not any(c.init_from for c in shared.cells.values())


def test_command_line_settings_apply_to_cells_that_do_not_set_them():
  asked = {'game.beta': 100, 'generator.experts': 3, 'data.limit': 7}
  cells = grids.load(f'{ABLATION}:small', None, asked).cells
  assert {c.game.beta for c in cells.values()} == {100.0}
  assert {c.data.limit for c in cells.values()} == {7}
  # Settings of a cell override the command line.
  assert cells['full'].generator.experts == 3
  assert cells['no_mixture'].generator.experts == 1
  read = changes_of(['--config.mle.lr=1e-3', '--config.data.dir=a=b'])
  assert read == {'mle.lr': '1e-3', 'data.dir': 'a=b'}
  cells = grids.load(
    f'{ABLATION}:small', None, changes_of(['--config.mle.lr=1e-3'])
  ).cells
  assert {c.mle.lr for c in cells.values()} == {0.001}


@pytest.mark.parametrize('name', [c for c in CORPORA if c != 'coco'])
def test_grids_accept_other_corpora(name):
  cells = grids.load(f'{ABLATION}:{name},smoke').cells
  other = grids.load(f'{ABLATION}:smoke').cells
  assert cells.keys() == other.keys()
  assert cells['full'].data != other['full'].data
