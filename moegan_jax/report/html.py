"""HTML reports of one run, or of several runs.

A report is a single file. Its figures are inline SVG, and it loads nothing
from other files or the network.
"""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from moegan_jax.errors import UserError
from moegan_jax.files import write_text
from moegan_jax.report import (
  describe,
  display,
  features,
  figures,
  history,
  runs,
  style,
  table,
)
from moegan_jax.report.curves import PAIRS
from moegan_jax.report.runs import RunGroup
from moegan_jax.store import schema
from moegan_jax.store.schema import REPORT

if TYPE_CHECKING:
  from matplotlib.figure import Figure

__all__ = ['REPORT', 'comparison_page', 'run_page', 'write']


def write(path: str | os.PathLike) -> pathlib.Path:
  """Writes report.html and figures/*.png into the folder of a finished run.

  Sections whose files are missing are left out of the report.

  Args:
    path: the folder; config.json and results.json are required.

  Returns:
    Path of report.html.

  Raises:
    UserError: the run is not finished, one of its files is damaged, or the
      folder cannot be written.
  """
  run = runs.load(path)
  (group,) = runs.fold([run])
  embedding = features.embed(run.features)
  drawn = {
    'temperatures': figures.temperatures([group]),
    'losses': figures.losses(group),
    'measures': figures.measures(group),
    'features': figures.embeddings(
      [(run.label, embedding)] if embedding else []
    ),
    'lengths': figures.lengths(run.examples),
  }
  folder = run.path / schema.FIGURES
  for name, figure in drawn.items():
    if figure is not None:
      _write_bytes(folder / f'{name}.png', style.png(figure))
  target = run.path / REPORT
  write_text(
    target, run_page(group, drawn, embedding.mixing if embedding else None)
  )
  return target


def run_page(
  group: RunGroup,
  drawn: Mapping[str, 'Figure | None'],
  mixing: float | None = None,
) -> str:
  """Returns the report of one run.

  Args:
    group: the run, from `runs.fold`.
    drawn: name -> figure, or None if there is nothing to draw.
    mixing: see `features.mixing`; None without features.
  """
  run, truth = group.first, runs.real([group])
  ours = runs.rows(group)
  environment = {k: v for k, v in run.environment.items() if k != 'command'}
  return _render(
    'run.html.j2',
    run=run,
    title=f'{run.label} on {run.corpus}',
    facts=describe.facts(group),
    tiles=display.tiles(ours, truth),
    results=display.results_table([group]),
    classes=display.class_table(ours, truth),
    protocol=describe.protocol(run),
    volumes=display.hypervolumes([group]),
    pairs=PAIRS,
    figures=_embedded(drawn),
    mixing=mixing,
    curve_samples=run.curves.samples if run.curves else 0,
    sizes=history.sample_sizes(group),
    nearest_pairs=describe.nearest_pairs(run),
    gap=describe.separator(run),
    samples=describe.last_samples(run),
    published=display.published_tables(run.benchmark, ours),
    settings=describe.settings(run.config),
    data=describe.as_strings(run.corpus_file.get('record', {})),
    environment=describe.as_strings(environment),
    command=' '.join(map(str, run.environment.get('command', []))),
  )


def comparison_page(benches: Sequence[Sequence[RunGroup]]) -> str:
  """Returns the report of several runs.

  Args:
    benches: lists of groups that can share a table; see `runs.benches`.
  """
  total = sum(len(group.runs) for groups in benches for group in groups)
  return _render(
    'compare.html.j2',
    title='One run' if total == 1 else f'Comparison of {total} runs',
    sections=[
      _section(groups, number, title)
      for number, (groups, title) in enumerate(
        zip(benches, describe.titles(benches))
      )
    ],
    pairs=PAIRS,
  )


def _section(
  groups: Sequence[RunGroup], number: int, title: str
) -> dict[str, Any]:
  """Returns the template values for groups that share a table."""
  run = groups[0].first
  embeddings = [(g.name, features.embed(g.first.features)) for g in groups]
  drawn = {
    'temperatures': figures.temperatures(groups),
    'training': figures.training(groups),
    'features': figures.embeddings([(n, e) for n, e in embeddings if e]),
  }
  facts = [(g.name, dict(describe.facts(g))) for g in groups]
  sizes = [g.first.curves.samples for g in groups if g.first.curves]
  return {
    'id': f'bench{number}',
    'title': title,
    'run': run,
    'facts': facts,
    'fact_names': list(
      dict.fromkeys(n for _, one in facts for n in one if n != 'corpus')
    ),
    'differing': describe.differing_settings(groups),
    'results': display.results_table(groups),
    'classes': display.class_table(
      display.named_rows(groups), runs.real(groups)
    ),
    'protocol': describe.protocol(run),
    'volumes': display.hypervolumes(groups),
    'curve_samples': sizes[0] if sizes else 0,
    'published': display.published_tables(
      run.benchmark, display.named_rows(groups)
    ),
    **_embedded(drawn, f'bench{number}-'),
  }


def _embedded(
  drawn: Mapping[str, 'Figure | None'], prefix: str = ''
) -> dict[str, str]:
  """Returns figures as SVG markup; '' for None.

  Args:
    drawn: name -> figure.
    prefix: of all ids, if several figures of the page have the same name.
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
  environment.globals['published_note'] = table.PUBLISHED_NOTE
  return environment.get_template(template).render(values)


def _write_bytes(path: pathlib.Path, content: bytes) -> None:
  try:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
  except OSError as error:
    raise UserError(
      f'{path} cannot be written: {error.strerror}; check the permissions and '
      'the free space of the disk'
    ) from error
