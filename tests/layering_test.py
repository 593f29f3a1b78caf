"""Imports only go down, and configuration stops at the edge."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'moegan_jax'

# What each layer of moegan_jax may import of it, itself apart. Losses stand
# beside nets and decode; data and metrics stand beside everything that trains.
BASE = {'errors', 'files', 'paths', 'types'}
PARTS = {*BASE, 'ops', 'nets', 'losses', 'decode'}
BESIDE = {'data', 'metrics', 'report'}
MAY = {
  'errors': set(),
  'files': {'errors'},
  'paths': {'errors'},
  'types': {'errors'},
  'cli': {'errors'},
  'environment': set(),
  'ops': BASE,
  'nets': {*BASE, 'ops'},
  'losses': {*BASE, 'ops'},
  'decode': {*BASE, 'ops', 'nets'},
  'updates': PARTS,
  'systems': {*PARTS, 'updates'},
  'data': {*BASE, 'ops'},
  'metrics': {*BASE, 'ops'},
  'report': {*BASE, 'metrics'},
  'sampler': {*BASE, 'ops', 'data'},
  'train': {*PARTS, *BESIDE, 'updates', 'systems'},
}
# The face of the package and programs of their own, `python -m moegan_jax.X`,
# stand above everything, and none of the above may import them.
ABOVE = {*MAY, 'trained'}
MAY_TOO = {
  '__init__': {'trained'},
  'export': {*ABOVE, 'exported'},
  'sample': {*ABOVE, 'exported'},
  'sweep': {*ABOVE, 'compare'},
}


def imports(path: pathlib.Path) -> list[str]:
  """Every module that a file imports, also inside of functions."""
  found = []
  for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
    if isinstance(node, ast.Import):
      found += [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
      assert not node.level, f'{path}: relative imports hide the layer'
      found.append(node.module)
      # `from moegan_jax import decode` names a module, too.
      found += [f'{node.module}.{alias.name}' for alias in node.names]
  return found


def layer(path: pathlib.Path) -> str:
  """'ops' for moegan_jax/ops/x.py, 'decode' for moegan_jax/decode.py."""
  return path.relative_to(PACKAGE).parts[0].removesuffix('.py')


def layers_of(path: pathlib.Path) -> set[str]:
  """The layers of moegan_jax that a file imports."""
  parts = [name.split('.') for name in imports(path)]
  used = {p[1] for p in parts if p[0] == 'moegan_jax' and len(p) > 1}
  known = {layer(p) for p in PACKAGE.rglob('*.py')}
  return used & known


SOURCES = sorted(PACKAGE.rglob('*.py'))


@pytest.mark.parametrize(
  'path', SOURCES, ids=lambda p: p.relative_to(PACKAGE).as_posix()
)
def test_imports_only_go_down(path):
  own = layer(path)
  allowed = (MAY | MAY_TOO).get(own, ABOVE) | {own}
  wrong = layers_of(path) - allowed
  assert not wrong, f'{own} must not import {", ".join(sorted(wrong))}'


def test_the_layers_are_all_there():
  """A renamed layer must not slip through the net above."""
  assert set(MAY) <= {layer(p) for p in SOURCES}
  used = layers_of(PACKAGE / 'train' / 'loop.py')
  assert used == {'ops', 'train', 'types'}
  assert {'decode', 'updates'} <= layers_of(PACKAGE / 'systems' / 'game.py')


def test_orbax_has_one_home():
  named = {
    p.relative_to(PACKAGE).as_posix()
    for p in SOURCES
    if any(name.split('.')[0] == 'orbax' for name in imports(p))
  }
  assert named == {'train/checkpoint.py'}


def test_configuration_stops_at_the_edge():
  """A ConfigDict is unpacked where a system is built, and not below."""
  named = {
    layer(p)
    for p in SOURCES
    if any(n.split('.')[0] in ('ml_collections', 'configs') for n in imports(p))
  }
  below = {*PARTS, *BESIDE, 'updates', 'systems'}
  assert not named & below


def test_configs_import_configs_and_errors_only():
  files = sorted((ROOT / 'configs').rglob('*.py'))
  assert files
  for path in files:
    ours = {
      n for n in imports(path) if n.split('.')[0] in ('moegan_jax', 'launch')
    }
    allowed = {'moegan_jax.errors', 'moegan_jax.errors.UserError'}
    assert ours <= allowed, path


def test_launch_is_short_and_stands_on_top():
  text = (ROOT / 'launch.py').read_text(encoding='utf-8')
  assert len(text.splitlines()) < 100
  assert not [
    p for p in SOURCES if any(n.split('.')[0] == 'launch' for n in imports(p))
  ]


def test_the_package_never_looks_into_tests_or_configs():
  for path in SOURCES:
    roots = {name.split('.')[0] for name in imports(path)}
    assert not roots & {'tests', 'configs', 'pytest', 'benchmarks'}, path


# What runs or unpacks what it reads. Config files and grids are programs of
# the user's own; what a run, a corpus or an export holds is data.
_RUNS = ('pickle', 'dill', 'joblib', 'marshal', 'shelve', 'yaml', 'tarfile')
_CALLS = ('eval', 'exec', 'compile', 'extract', 'extractall', 'unpack_archive')


def test_nothing_that_is_read_is_run_or_unpacked():
  for path in SOURCES:
    assert not {n.split('.')[0] for n in imports(path)} & set(_RUNS), path
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
      if isinstance(node, ast.keyword) and node.arg == 'allow_pickle':
        assert node.value.value is False, path
      if not isinstance(node, ast.Call):
        continue
      called = node.func
      if isinstance(called, ast.Name):
        assert called.id not in _CALLS, path
      elif isinstance(called, ast.Attribute):
        # `compile` of a regular expression or a jax program is another one.
        assert called.attr not in _CALLS[3:], path
        if called.attr == 'exec_module':
          assert path.name == 'grid.py', path
