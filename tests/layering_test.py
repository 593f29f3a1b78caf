"""Tests of the layers of the package and of its conventions."""

import ast
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
PACKAGE = ROOT / 'moegan_jax'

# Layer -> other layers that it may import.
BASE = {'errors', 'files', 'paths', 'types'}
PARTS = {*BASE, 'ops', 'nets', 'losses', 'decode'}
TRAINS = {*PARTS, 'updates', 'systems'}
# The store reads settings and corpora; the report reads files and nothing else.
STORE = {*BASE, 'config', 'data', 'metrics', 'ops'}
SCORES = {*TRAINS, 'data', 'metrics', 'report', 'store', 'train'}
RUNS = {*SCORES, 'scoring', 'config', 'environment'}
MAY = {
  'errors': set(),
  'files': {'errors'},
  'paths': {'errors'},
  'types': {'errors'},
  'environment': {'errors'},
  'config': {'errors'},
  'ops': BASE,
  'nets': {*BASE, 'ops'},
  'losses': {*BASE, 'ops'},
  'decode': {*BASE, 'ops', 'nets'},
  'updates': PARTS,
  'systems': {*PARTS, 'updates'},
  'data': {*BASE, 'ops'},
  'metrics': {*BASE, 'ops'},
  'store': STORE,
  'report': {*BASE, 'metrics', 'store'},
  'train': TRAINS,
  'scoring': SCORES,
  'experiment': RUNS,
  'sweeps': {*RUNS, 'experiment'},
  'accelerators': {*RUNS, 'experiment'},
  'sampler': {*BASE, 'ops', 'data'},
  'templates': {*BASE, 'data', 'sampler'},
  'infilling': {*BASE, 'data', 'sampler', 'templates'},
  'evaluate': {*BASE, 'data', 'metrics', 'report', 'scoring', 'store'},
  'human': {*BASE, 'data', 'metrics', 'report', 'store'},
}
# Layers that may import every layer below.
ABOVE = {*MAY, 'exported', 'trained'}
MAY_TOO = {
  'exported': ABOVE,
  '__init__': {'trained'},
  '__main__': {'cli'},
  'cli': ABOVE,
}


def imports(path: pathlib.Path) -> list[str]:
  """Returns the modules that a file imports, also inside of functions."""
  found = []
  for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
    if isinstance(node, ast.Import):
      found += [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
      assert not node.level, f'{path}: relative imports hide the layer'
      found.append(node.module)
      # `from moegan_jax import decode` imports a module.
      found += [f'{node.module}.{alias.name}' for alias in node.names]
  return found


def layer(path: pathlib.Path) -> str:
  """Returns 'ops' for moegan_jax/ops/x.py and 'errors' for errors.py."""
  return path.relative_to(PACKAGE).parts[0].removesuffix('.py')


def layers_of(path: pathlib.Path) -> set[str]:
  """Returns the layers of moegan_jax that a file imports."""
  parts = [name.split('.') for name in imports(path)]
  used = {p[1] for p in parts if p[0] == 'moegan_jax' and len(p) > 1}
  known = {layer(p) for p in PACKAGE.rglob('*.py')}
  return used & known


SOURCES = sorted(PACKAGE.rglob('*.py'))


@pytest.mark.parametrize(
  'path', SOURCES, ids=lambda p: p.relative_to(PACKAGE).as_posix()
)
def test_imports_follow_the_layers(path):
  own = layer(path)
  allowed = (MAY | MAY_TOO).get(own, ABOVE) | {own}
  wrong = layers_of(path) - allowed
  assert not wrong, f'{own} must not import {", ".join(sorted(wrong))}'


def test_layers_of_the_rules_exist():
  """The rules would not cover a renamed layer."""
  assert set(MAY) <= {layer(p) for p in SOURCES}
  used = layers_of(PACKAGE / 'train' / 'loop.py')
  assert used == {'ops', 'train', 'types'}
  assert {'decode', 'updates'} <= layers_of(
    PACKAGE / 'systems' / 'relaxed_gan.py'
  )


def modules(path: pathlib.Path) -> set[pathlib.Path]:
  """Returns the files of moegan_jax that importing a file imports."""
  found = set()
  for node in ast.parse(path.read_text(encoding='utf-8')).body:
    if isinstance(node, ast.ImportFrom) and node.module:
      names = [node.module, *(f'{node.module}.{a.name}' for a in node.names)]
      for name in names:
        file = ROOT.joinpath(*name.split('.')).with_suffix('.py')
        found |= {file} if file.is_file() else set()
  return found


def test_no_import_cycles():
  done, trail = set(), []

  def visit(path):
    assert path not in trail, ' -> '.join(p.stem for p in [*trail, path])
    if path not in done:
      trail.append(path)
      for other in modules(path):
        visit(other)
      trail.pop()
      done.add(path)

  for path in SOURCES:
    visit(path)
  assert len(done) == len(SOURCES)


def test_orbax_is_imported_in_one_module():
  named = {
    p.relative_to(PACKAGE).as_posix()
    for p in SOURCES
    if any(name.split('.')[0] == 'orbax' for name in imports(p))
  }
  assert named == {'store/checkpoint.py'}


def literals(path: pathlib.Path) -> set[str]:
  """Returns the words of all strings of a file except docstrings."""
  tree = ast.parse(path.read_text(encoding='utf-8'))
  documented = (ast.Module, ast.ClassDef, ast.FunctionDef)
  docs = {
    id(node.body[0].value)
    for node in ast.walk(tree)
    if isinstance(node, documented)
    and node.body
    and isinstance(node.body[0], ast.Expr)
  }
  return {
    node.value
    for node in ast.walk(tree)
    if isinstance(node, ast.Constant)
    and isinstance(node.value, str)
    and id(node) not in docs
  }


def test_phases_are_named_by_systems_alone():
  """'adversarial' is also a section of settings and is not searched for."""
  named = {layer(p) for p in SOURCES if 'pretrain' in literals(p)}
  assert named == {'systems'}


def test_the_files_of_a_run_are_named_in_one_place():
  from moegan_jax.store import schema

  names = {v for k, v in vars(schema).items() if k.isupper() and '.' in v}
  assert len(names) > 8
  for path in SOURCES:
    if path != PACKAGE / 'store' / 'schema.py':
      assert not names & literals(path), path


def test_training_uses_no_files_and_prints_nothing():
  for path in (PACKAGE / 'train').glob('*.py'):
    tree = ast.parse(path.read_text(encoding='utf-8'))
    called = {
      node.func.id
      for node in ast.walk(tree)
      if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {'print', 'open'}, path
    assert not {'pathlib', 'shutil'} & {n.split('.')[0] for n in imports(path)}


def test_config_is_not_passed_to_inner_layers():
  """Layers below `systems` receive values, not a ConfigDict."""
  named = {
    layer(p)
    for p in SOURCES
    if any(n.split('.')[0] == 'ml_collections' for n in imports(p))
  }
  below = {*PARTS, 'data', 'metrics', 'report', 'updates', 'systems', 'train'}
  assert not named & below


def test_configs_import_the_composition_only():
  files = sorted((ROOT / 'configs').rglob('*.py'))
  assert len(files) > 20
  for path in files:
    ours = {n for n in imports(path) if n.split('.')[0] == 'moegan_jax'}
    assert all(n.startswith('moegan_jax.config') for n in ours), path


def test_no_two_classes_share_a_name():
  found = [
    node.name
    for path in SOURCES
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
    if isinstance(node, ast.ClassDef)
  ]
  assert not {name for name in found if found.count(name) > 1}


def test_fields_of_classes_are_documented():
  """The section `Attributes` of a docstring lists all fields."""
  for path in SOURCES:
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
      if not isinstance(node, ast.ClassDef):
        continue
      section = (ast.get_docstring(node) or '').partition('\nAttributes:')[2]
      heads = re.findall(r'^  (\w+(?:, \w+)*): ', section, re.MULTILINE)
      listed = {name for head in heads for name in head.split(', ')}
      fields = {
        ast.unparse(field.target)
        for field in node.body
        if isinstance(field, ast.AnnAssign)
      }
      assert fields <= listed, (path, node.name, fields - listed)


# Files over 350 lines, with a reason in their docstring.
LONG = {'data/captions_grammar.py'}


def test_files_have_at_most_350_lines():
  for path in SOURCES:
    name = path.relative_to(PACKAGE).as_posix()
    lines = len(path.read_text(encoding='utf-8').splitlines())
    assert lines <= 350 or name in LONG, f'{name} has {lines} lines'


def test_launch_is_short_and_not_imported():
  text = (ROOT / 'launch.py').read_text(encoding='utf-8')
  assert len(text.splitlines()) < 100
  assert not [
    p for p in SOURCES if any(n.split('.')[0] == 'launch' for n in imports(p))
  ]


def test_package_imports_neither_tests_nor_configs():
  for path in SOURCES:
    roots = {name.split('.')[0] for name in imports(path)}
    assert not roots & {'tests', 'configs', 'pytest', 'benchmarks'}, path


# Modules and functions that execute or unpack their input. Configs and grids
# are programs of the user. The files of runs, corpora and exports are data.
_RUNS = ('pickle', 'dill', 'joblib', 'marshal', 'shelve', 'yaml', 'tarfile')
_CALLS = ('eval', 'exec', 'compile', 'extract', 'extractall', 'unpack_archive')


def test_data_files_are_not_executed_or_unpacked():
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
        # `re.compile` and JAX's `compile` do not execute their input.
        assert called.attr not in _CALLS[3:], path
        if called.attr == 'exec_module':
          assert path == PACKAGE / 'config' / 'files.py', path
