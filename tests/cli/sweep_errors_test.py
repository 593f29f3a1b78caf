"""Bad grids and bad flags of `sweep`: one line and exit code 2."""

import pytest
from command_line import assert_refused
from toy_grids import ABLATION, TINY

from moegan_jax.cli import sweep

pytestmark = pytest.mark.usefixtures('own_cache', 'in_root')

# Name -> (value of get_sweep, words of the error).
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
def test_bad_grid_is_reported_in_one_line(name, tmp_path):
  text, words = BAD[name]
  path = tmp_path / 'bad.py'
  path.write_text(
    'from moegan_jax import config\n'
    f'BASE = config.override(config.load("moegan:small"), {TINY})\n\n\n'
    f'def get_sweep(variant):\n  return {text}\n'
  )
  argv = [f'--grid={path}', f'--workdir={tmp_path / "x"}']
  assert_refused(sweep, argv, *words, silent=False)
  assert not list(tmp_path.glob('x/*/checkpoints'))


@pytest.mark.parametrize(
  'argv, words',
  [
    ([], ['--grid']),
    (['--grid=small'], ["grid='small'", 'moegan_ablation']),
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
def test_bad_flag_is_reported_in_one_line(argv, words):
  assert_refused(sweep, argv, *words, silent=False)
