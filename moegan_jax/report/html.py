"""Reports: one HTML file that needs nothing else, of a run or of several.

Figures are inline SVG, so the page holds no links to other files and asks
nothing of a network. `write` also leaves the figures as PNG files.
"""

import datetime
import difflib
import json
import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from moegan_jax.errors import UserError
from moegan_jax.files import flatten, write_text
from moegan_jax.metrics import METRICS, SUFFIXES
from moegan_jax.report import emphasis, features, figures, runs, style, table
from moegan_jax.report.curves import PAIRS, volumes
from moegan_jax.report.published import Row, ranked
from moegan_jax.report.runs import Group, Run

if TYPE_CHECKING:
  from matplotlib.figure import Figure

REPORT = 'report.html'

# The numbers that stand large at the head; the first four that are there.
_TILES = ('jeffreys', 'nll_oracle', 'bleu4', 'self_bleu4', 'auc')
_TILES += ('nll_test_token', 'distinct_sentences')
_MAIN = ('adversarial', 'pretrain')  # whose numbers those are
_SIDES = {
  'higher': ('↑', 'higher is better'),
  'lower': ('↓', 'lower is better'),
  'real': ('≈', 'best at the value of real text'),
}
_FACTS = ('system', 'seed', 'num_seeds')  # settings that the facts tell
_PHASES = {'pretrain': 'MLE', 'adversarial': 'GAN'}


class Cell(NamedTuple):
  """A number as it is printed.

  mean: the number
  spread: '± 0.004', the deviation over seeds; for one seed its standard
    error, 'se 0.004', if it is known, else ''
  hint: its interval, where it is known
  best: whether it is emphasised
  """

  mean: str
  spread: str
  hint: str
  best: bool


class Shown(NamedTuple):
  """A row of a table: of a run, of real text, or of a paper.

  mark: such as 'collapsed', or ''
  number: of its footnote, 0 for none
  cells: key -> Cell
  """

  label: str
  mark: str
  number: int
  cells: dict[str, Cell]


class Block(NamedTuple):
  """The measures of one kind: title, and what heads each of them."""

  title: str
  measures: list[dict[str, str]]


class Sheet(NamedTuple):
  """A table of measured rows.

  blocks: the measures by kind
  ours, real: the rows; those of several runs come group by group
  groups: name of a run -> how many of `ours`, in order; one for one run
  notes: footnotes, the first is number 1
  denied: who leads in quality and is not emphasised, and why
  """

  blocks: list[Block]
  ours: list[Shown]
  real: list[Shown]
  groups: list[tuple[str, int]]
  notes: list[str]
  denied: list[str]


def write(path: str | os.PathLike) -> pathlib.Path:
  """Writes report.html and figures/*.png into the folder of a finished run.

  Args:
    path: the folder; what is missing beside config.json and results.json is
      left out of the report.

  Returns:
    the path of report.html.

  Raises:
    UserError: the run is not finished, one of its files is damaged, or the
      folder cannot be written.
  """
  run = runs.load(path)
  (group,) = runs.fold([run])
  cloud = features.cloud(run.features)
  drawn = {
    'temperatures': figures.temperatures([group]),
    'losses': figures.losses(group),
    'measures': figures.measures(group),
    'features': figures.clouds([(run.label, cloud)] if cloud else []),
    'lengths': figures.lengths(run.exhibits),
  }
  folder = run.path / 'figures'
  for name, figure in drawn.items():
    if figure is not None:
      _write_bytes(folder / f'{name}.png', style.png(figure))
  target = run.path / REPORT
  write_text(target, run_page(group, drawn, cloud.mixing if cloud else None))
  return target


def run_page(
  group: Group,
  drawn: Mapping[str, 'Figure | None'],
  mixing: float | None = None,
) -> str:
  """The report of one run.

  Args:
    group: the run, as `runs.fold` gives it.
    drawn: name -> figure, or None where there is nothing to draw.
    mixing: of its features; see `features.mixing`.
  """
  run, truth = group.first, runs.real([group])
  ours = runs.rows(group)
  sheet = _sheet([group])
  return _render(
    'run.html.j2',
    run=run,
    title=f'{run.label} on {run.corpus}',
    facts=facts(group),
    tiles=_tiles(ours, truth),
    sheet=sheet,
    protocol=protocol(run),
    volumes=_volumes([group]),
    pairs=PAIRS,
    figures=_embedded(drawn),
    mixing=mixing,
    curve_samples=run.curves.samples if run.curves else 0,
    sizes=_sample_sizes(group),
    pairs_of_text=_pairs(run),
    gap=_gap(run),
    samples=_last_samples(run),
    printed=_printed(run.benchmark, ours),
    settings=_settings(run.config),
    data=_plain(run.corpus_file.get('record', {})),
    environment=_plain(
      {k: v for k, v in run.environment.items() if k != 'command'}
    ),
    command=' '.join(map(str, run.environment.get('command', []))),
  )


def comparison_page(benches: Sequence[Sequence[Group]]) -> str:
  """The report of several runs.

  Args:
    benches: groups that may share a table, one list for each corpus and
      protocol; see `runs.benches`.
  """
  total = sum(len(group.runs) for groups in benches for group in groups)
  return _render(
    'compare.html.j2',
    title='One run' if total == 1 else f'{total} runs side by side',
    parts_found=[
      _bench_part(groups, number, title)
      for number, (groups, title) in enumerate(zip(benches, titles(benches)))
    ],
    pairs=PAIRS,
  )


def _bench_part(
  groups: Sequence[Group], number: int, title: str
) -> dict[str, Any]:
  """What the report says of groups that share a table."""
  run = groups[0].first
  clouds = [(g.name, features.cloud(g.first.features)) for g in groups]
  drawn = {
    'temperatures': figures.temperatures(groups),
    'training': figures.training(groups),
    'features': figures.clouds([(n, c) for n, c in clouds if c]),
  }
  named = [(g.name, dict(facts(g))) for g in groups]
  sizes = [g.first.curves.samples for g in groups if g.first.curves]
  return {
    'id': f'bench{number}',
    'title': title,
    'run': run,
    'groups': named,
    'fact_names': list(
      dict.fromkeys(n for _, one in named for n in one if n != 'corpus')
    ),
    'differing': differing_settings(groups),
    'sheet': _sheet(groups),
    'protocol': protocol(run),
    'volumes': _volumes(groups),
    'curve_samples': sizes[0] if sizes else 0,
    'printed': _printed(run.benchmark, named_rows(groups)),
    **_embedded(drawn, f'bench{number}-'),
  }


def named_rows(groups: Sequence[Group]) -> list[Row]:
  """Our rows of several groups, each with the name of its run before it."""
  return [
    row._replace(label=f'{group.name}: {row.label}')
    for group in groups
    for row in runs.rows(group)
  ]


def titles(benches: Sequence[Sequence[Group]]) -> list[str]:
  """Names of corpora, numbered where several benches have the same."""
  names = [groups[0].first.corpus for groups in benches]
  return [
    name if names.count(name) == 1 else f'{name} ({names[: i + 1].count(name)})'
    for i, name in enumerate(names)
  ]


# --- tables ------------------------------------------------------------------


def _sheet(groups: Sequence[Group]) -> Sheet:
  """The rows of all groups, marked, with the best emphasised."""
  truth = runs.real(groups)
  members = [runs.rows(group) for group in groups]
  ours = [row for rows in members for row in rows]
  named = named_rows(groups) if len(groups) > 1 else ours
  best, denied = emphasis.winners(named, truth)
  notes: dict[str, int] = {}

  def shown(row: Row, index: int = -1) -> Shown:
    marked = emphasis.mark(row, truth) if index >= 0 else row
    said = marked.note  # standard errors stand in the cells
    return Shown(
      row.label,
      marked.label[len(row.label) :].strip(' ()'),
      notes.setdefault(said, len(notes) + 1) if said else 0,
      {
        key: _cell(row, key, index >= 0 and best.get(key) == index)
        for key in row.values
        if not key.endswith(SUFFIXES)
      },
    )

  return Sheet(
    blocks=_blocks([*ours, *truth]),
    ours=[shown(row, i) for i, row in enumerate(ours)],
    real=[shown(row) for row in truth],
    groups=[(g.name, len(rows)) for g, rows in zip(groups, members)],
    notes=list(notes),
    denied=denied,
  )


def _cell(row: Row, key: str, best: bool = False) -> Cell:
  mean, _, spread = table.cell(row.values.get(key)).partition(' ± ')
  error, low, high = (
    np.ravel(row.values.get(key + suffix, []))
    for suffix in ('_se', '_low', '_high')
  )
  if spread:
    spread = f'± {spread}'
  elif len(error) == 1 and error[0]:  # an oracle's own values have none
    spread = f'se {error[0]:.3f}'
  one = len(low) == len(high) == 1
  hint = f'95 % interval {low[0]:.3f} to {high[0]:.3f}' if one else ''
  return Cell(mean, spread, hint, best)


def _blocks(rows: Sequence[Row]) -> list[Block]:
  """All measures that occur, by kind and in the order of METRICS.

  Families of many numbers stand last, as in `table.results`.
  """
  return [
    Block(title, [_headed(key) for key in keys])
    for title, keys in table.blocks(table.present(rows)).items()
  ]


def _headed(key: str) -> dict[str, str]:
  """What stands at the head of a measure, and what explains it."""
  metric = METRICS.get(key)
  sign, words = _SIDES[metric.better] if metric else ('', '')
  return {
    'key': key,
    'label': table.heading(key),
    'sign': sign,
    'side': words,
    'text': metric.text if metric else '',
  }


def _printed(benchmark: str, ours: Sequence[Row]) -> list[dict[str, Any]]:
  """Published rows in groups that may be ranked, ours beside the first."""
  parts = []
  for name, rows in ranked(benchmark).items():
    keys = list(dict.fromkeys(k for row in rows for k in row.values))
    notes: dict[str, int] = {}
    shown = []
    for row in rows:
      said = ': '.join(part for part in (row.source, row.note) if part)
      number = notes.setdefault(said, len(notes) + 1) if said else 0
      cells = {k: _cell(row, k) for k in keys}
      shown.append(Shown(row.label, '', number, cells))
    own = [] if name else ours
    parts.append(
      {
        'name': name,
        'measures': [_headed(key) for key in keys],
        'rows': shown,
        'ours': [
          Shown(row.label, '', 0, {k: _cell(row, k) for k in keys})
          for row in own
          if any(k in row.values for k in keys)
        ],
        'notes': list(notes),
      }
    )
  return parts


def _tiles(ours: Sequence[Row], truth: Sequence[Row]) -> list[dict[str, Any]]:
  """A few numbers of the trained system, beside MLE and real text."""
  rows = {row.key: row for row in (*ours, *truth)}
  main = next((rows[key] for key in _MAIN if key in rows), None)
  if main is None:
    return []
  tiles = []
  for key in _TILES:
    if key not in main.values:
      continue
    beside = []
    if main.key != 'pretrain' and key in rows.get('pretrain', main).values:
      start = rows['pretrain']
      beside.append((start.label, _cell(start, key)))
    for name in ('real_test', 'real_train'):
      if name in rows and key in rows[name].values:
        beside.append((rows[name].label, _cell(rows[name], key)))
        break
    tiles.append({**_headed(key), 'cell': _cell(main, key), 'beside': beside})
  return tiles[:4]


def _volumes(groups: Sequence[Group]) -> dict[str, Any]:
  """Hypervolumes of all curves: pairs of measures, and a row a curve."""
  rows = []
  for group in groups:
    curves = runs.temperature_curves(group)
    for phase, curve in curves.phases.items() if curves else ():
      label = _PHASES.get(phase, phase)
      values = {k: np.array(v) for k, v in volumes(curve).items()}
      if values:
        row = Row(label, values)
        cells = {key: _cell(row, key) for key in values}
        rows.append((group.name, Shown(label, '', 0, cells)))
  pairs = [p for p in PAIRS if any(p in row.cells for _, row in rows)]
  return {'pairs': pairs, 'rows': rows}


# --- words -------------------------------------------------------------------


def facts(group: Group) -> list[tuple[str, str]]:
  """What was run, where and when."""
  run = group.first
  steps, before = [], 0
  for phase, end in runs.ends(group).items():
    steps.append(f'{end - before:,} {_PHASES.get(phase, phase)}')
    before = end
  device = run.environment.get('device', '')
  count = run.environment.get('devices', 1)
  times = [
    float(record['time'])
    for one in group.runs
    for record in one.records
    if 'time' in record
  ]
  found = [
    ('system', run.config.get('system', run.label)),
    ('corpus', run.corpus),
    ('seeds', str(group.seeds)),
    ('steps', ' + '.join(steps)),
    ('device', f'{count} × {device}' if device and count != 1 else device),
    ('finished', _day(max(times)) if times else ''),
  ]
  return [(name, value) for name, value in found if value]


def _day(seconds: float) -> str:
  """Seconds since 1970 as a UTC date."""
  try:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
  except (ValueError, OverflowError, OSError):  # a clock that was far off
    return ''
  return f'{moment:%Y-%m-%d}'


def protocol(run: Run) -> str:
  """The line that says how a run was measured."""
  of_text = any('bleu' in key for row in run.rows for key in row.values)
  return table.protocol_line(run.protocol, of_text)


def _sample_sizes(group: Group) -> list[int]:
  """How many samples evaluations had, ascending."""
  return sorted(
    {
      int(record.get('samples', 0))
      for run in group.runs
      for record in run.records
      if record['kind'] == 'eval'
    }
    - {0}
  )


def _pairs(run: Run) -> list[dict[str, Any]]:
  """Samples beside their nearest training sentence, cut into pieces."""
  if run.exhibits is None:
    return []
  gap = _gap(run)
  return [
    {
      'sample': _pieces(pair.sample, pair.nearest, gap),
      'nearest': _pieces(pair.nearest, pair.sample, gap),
      'distance': f'{pair.distance:.2f}',
    }
    for pair in run.exhibits.pairs
  ]


def _gap(run: Run) -> str:
  """What stands between two tokens in a line of text."""
  joined = run.corpus_file.get('codec') in ('char', 'smiles', 'fasta')
  return '' if joined else ' '


def _pieces(text: str, other: str, gap: str) -> list[tuple[str, bool]]:
  """A text in pieces, and whether each of them differs from another text.

  Args:
    gap: between the units that are compared; '' compares characters.
  """
  ours, theirs = (x.split(gap) if gap else list(x) for x in (text, other))
  matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
  pieces = []
  for kind, start, stop, _, _ in matcher.get_opcodes():
    if stop > start:
      pieces.append((gap.join(ours[start:stop]), kind != 'equal'))
  return pieces


def _last_samples(run: Run, most: int = 12) -> list[str]:
  """The newest sentences of samples/, where nothing better shows text."""
  if run.exhibits is not None and run.exhibits.pairs:
    return []
  found = {}
  for path in run.path.glob('samples/*-*.txt'):
    step = path.stem.rpartition('-')[2]
    if step.isdecimal():
      found[int(step), path.name] = path
  if not found:
    return []
  try:
    text = found[max(found)].read_text(encoding='utf-8', errors='replace')
  except OSError:
    return []
  return text.splitlines()[:most]


def _settings(config: Mapping[str, Any]) -> list[tuple[str, list]]:
  """Settings by section: (name, [(key, value)]); '' for those of the top."""
  top = {k: v for k, v in config.items() if not isinstance(v, dict)}
  rest = {k: v for k, v in config.items() if isinstance(v, dict)}
  return [
    (name, list(_plain(section).items()))
    for name, section in {'': top, **rest}.items()
    if section
  ]


def _plain(values: Mapping[str, Any]) -> dict[str, str]:
  """Nested values as text, with dotted keys."""
  return {
    key: value if isinstance(value, str) else json.dumps(value)
    for key, value in flatten(dict(values)).items()
    if value not in ('', None, [])
  }


def differing_settings(groups: Sequence[Group]) -> list[tuple[str, list]]:
  """The settings in which groups differ: (key, one value a group)."""
  flat = [flatten(group.first.config) for group in groups]
  keys = dict.fromkeys(key for one in flat for key in one if key not in _FACTS)
  found = []
  for key in keys:
    values = [json.dumps(one.get(key, '')).strip('"') for one in flat]
    if len(set(values)) > 1:
      found.append((key, values))
  return found


# --- output ------------------------------------------------------------------


def _embedded(
  drawn: Mapping[str, 'Figure | None'], prefix: str = ''
) -> dict[str, str]:
  """Figures as markup for the page, '' where there is none.

  Args:
    prefix: of all ids within, where a page has two figures of one name.
  """
  from markupsafe import Markup

  return {
    name: Markup(style.svg(figure, prefix + name)) if figure is not None else ''
    for name, figure in drawn.items()
  }


def _render(template: str, **values: Any) -> str:
  import jinja2

  environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
  )
  return environment.get_template(template).render(values)


def _write_bytes(path: pathlib.Path, content: bytes) -> None:
  try:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
  except OSError as error:
    raise UserError(f'cannot write {path}: {error.strerror}') from error
