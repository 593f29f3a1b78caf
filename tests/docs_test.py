"""Tests of the documentation: its commands, limits, links, and the notebook."""

import pathlib
import re
import shlex

import pytest

from moegan_jax import config
from moegan_jax.cli import VERBS, train
from moegan_jax.sweeps import grid

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = [
  *(ROOT / name for name in ('README.md', 'WORKSPACE.md', 'CONTRIBUTING.md')),
  ROOT / 'CHANGELOG.md',
  *sorted((ROOT / 'docs').rglob('*.md')),
  *sorted((ROOT / 'examples').glob('*.md')),
]
# The main job, the tests, and the same on a GPU. Programs search for them.
COMMANDS = (
  'python -m pip install -r requirements-cpu.txt && '
  'python launch.py --config=configs/moegan_coco.py:cpu',
  'python -m pip install -r requirements-dev.txt && python -m pytest',
  'python -m pip install -r requirements.txt && '
  'python launch.py --config=configs/moegan_coco.py',
)


def named(pages):
  return pytest.mark.parametrize(
    'page', pages, ids=lambda p: p.relative_to(ROOT).as_posix()
  )


def blocks(text):
  """The code blocks of a page, fenced or indented, as logical lines."""
  fenced = re.findall(r'^```\w*\n(.*?)^```', text, re.MULTILINE | re.DOTALL)
  rest = re.sub(r'^```.*?^```', '', text, flags=re.MULTILINE | re.DOTALL)
  found = [*fenced, *re.findall(r'(?:^    .*\n)+', rest, re.MULTILINE)]
  lines = '\n'.join(found).replace('\\\n', ' ').splitlines()
  return [line.strip() for line in lines]


def commands(text):
  """(verb, arguments) of the commands of our programs on a page."""
  starts = {
    'python launch.py': 'train',
    'python -m benchmarks.train_step': 'train',
  }
  for line in blocks(text):
    line = line.partition(' && ')[2] or line
    for start, verb in starts.items():
      if line.startswith(start):
        yield verb, shlex.split(line.removeprefix(start), comments=True)
    if line.startswith('moegan-jax '):
      verb, *rest = shlex.split(line, comments=True)[1:]
      yield verb, rest


def test_readme_is_one_page():
  text = (ROOT / 'README.md').read_text(encoding='utf-8')
  lines = text.splitlines()
  assert len(lines) <= 150
  for command in COMMANDS:
    assert [line for line in lines if line.strip() == command], command
  long = [line.strip() for line in lines if len(line) > 100]
  assert set(long) <= set(COMMANDS)


def test_the_map_is_short():
  text = (ROOT / 'WORKSPACE.md').read_text(encoding='utf-8')
  assert len(text.splitlines()) <= 120


@named(PAGES[1:])
def test_lines_fit(page):
  text = page.read_text(encoding='utf-8')
  # Generated sentences are quoted as they are, as code.
  long = [x for x in text.splitlines() if len(x) > 100 and x[:4] != '    ']
  assert not long


@named(PAGES)
def test_links_lead_to_files(page):
  text = page.read_text(encoding='utf-8')
  links = re.findall(r'\]\(([^)\s]+)\)', text)
  for link in links:
    if not re.match(r'https?:|#', link):
      assert (page.parent / link.partition('#')[0]).exists(), link


def test_commands_are_found():
  found = [command for page in PAGES for command in commands(page.read_text())]
  assert len(found) > 40
  assert {verb for verb, _ in found} == set(VERBS)


@named(PAGES)
def test_commands_name_what_there_is(page):
  text = page.read_text(encoding='utf-8')
  for verb, arguments in commands(text):
    assert verb in VERBS, verb
    flags = dict(
      x.split('=', 1) for x in arguments if x[:2] == '--' and '=' in x
    )
    # SYSTEM and CORPUS stand for names; a file of the reader's is not here.
    if re.search(
      '[A-Z]{4}', flags.get('--config', '') + flags.get('--grid', '')
    ):
      continue
    if re.match(
      r'(mine|depth)\.py', flags.get('--config', flags.get('--grid', ''))
    ):
      continue
    changes = {
      key.removeprefix('--config.'): re.sub(r'^(SEED|VALUE)$', '1', value)
      for key, value in flags.items()
      if key.startswith('--config.') and key != '--config.KEY'
    }
    texts = {k: config.Text(v) for k, v in changes.items()}
    if '--config' in flags:
      config.override(config.load(flags['--config']), texts)
    if '--grid' in flags:
      assert grid.load(flags['--grid'], settings=texts).cells
    if verb == 'train' and '--list' not in arguments:
      _, unknown = train.parser().parse_known_args(arguments)
      assert all(flag.startswith('--config.') for flag in unknown), unknown


@named([ROOT / 'docs/configuration.md', ROOT / 'docs/sweeps.md'])
def test_examples_of_files_work(page, tmp_path):
  text = page.read_text(encoding='utf-8')
  (code,) = re.findall(r'```python\n(.*?)```', text, re.DOTALL)
  path = tmp_path / 'example.py'
  path.write_text(code, encoding='utf-8')
  if page.name == 'sweeps.md':
    assert set(grid.load(f'{path}:captions,cpu').cells) == {
      'one',
      'two',
      'hinge',
    }
  else:
    c = config.load(f'{path}:captions,cpu')
    assert (c.generator.head_size, c.game.loss) == (32, 'hinge')
    assert c.data.name == 'captions'


def test_all_settings_of_published_losses_are_named():
  from moegan_jax.losses.adversarial import LOSSES

  text = (ROOT / 'docs/configuration.md').read_text(encoding='utf-8')
  assert not [name for name in LOSSES if f'`{name}`' not in text]


def test_all_corpora_scales_and_systems_are_named():
  from moegan_jax.config.scales import CORPORA, SCALES

  text = (ROOT / 'docs/configuration.md').read_text(encoding='utf-8')
  assert not [name for name in (*CORPORA, *SCALES) if f'`{name}`' not in text]
  readme = (ROOT / 'README.md').read_text(encoding='utf-8')
  systems = set(config.files.names()) - {'moegan_coco'}
  assert not [name for name in systems if f'| `{name}` |' not in readme]
  sweeps = (ROOT / 'docs/sweeps.md').read_text(encoding='utf-8')
  grids = config.files.names('sweeps')
  assert not [name for name in grids if f'| `{name}` |' not in sweeps]


def test_all_rooms_are_described():
  text = (ROOT / 'docs/architecture.md').read_text(encoding='utf-8')
  table = text.split('## Rooms')[1].split('##')[0]
  rows = [row.split('|')[1] for row in table.splitlines() if row[:3] == '| `']
  described = {name for row in rows for name in re.findall('`(.+?)`', row)}
  rooms = {
    path.name + ('/' if path.is_dir() else '')
    for path in (ROOT / 'moegan_jax').iterdir()
    if path.name[:2] != '__' and path.suffix in ('', '.py')
  }
  assert described == rooms


def test_all_pages_are_in_the_navigation():
  text = (ROOT / 'mkdocs.yml').read_text(encoding='utf-8')
  navigation = text.split('nav:')[1]
  for path in (ROOT / 'docs').rglob('*.md'):
    name = path.relative_to(ROOT / 'docs').as_posix()
    assert re.search(rf'[\s:]{re.escape(name)}$', navigation, re.MULTILINE), (
      name
    )


@pytest.mark.slow
def test_the_notebook_runs(tmp_path, monkeypatch):
  import nbclient
  import nbformat

  monkeypatch.setenv('PYTHONPATH', str(ROOT))
  monkeypatch.setenv('JAX_PLATFORMS', 'cpu')
  notebook = nbformat.read(ROOT / 'examples/quickstart.ipynb', as_version=4)
  client = nbclient.NotebookClient(
    notebook,
    timeout=900,
    kernel_name='python3',
    resources={'metadata': {'path': str(tmp_path)}},
  )
  client.execute()
  text = '\n'.join(
    output.get('text', '')
    for cell in notebook.cells
    for output in cell.get('outputs', ())
  )
  for said in ('finished; see runs/quickstart', 'a young woman', 'Jeffreys'):
    assert said in text
  figures = [
    output
    for cell in notebook.cells
    for output in cell.get('outputs', ())
    if 'image/png' in output.get('data', {})
  ]
  assert len(figures) == 1
  assert len((tmp_path / 'samples.txt').read_text().splitlines()) == 1000
