"""Finished runs side by side: python -m moegan_jax.compare RUN [RUN ...].

Prints one table for each corpus and protocol, with published rows where they
are comparable; --report=FILE writes an HTML page with figures as well. Runs
that differ in nothing but their seed become one row: mean ± deviation.
"""

import sys
from collections.abc import Callable, Sequence

from moegan_jax.cli.shared import Parser, exit_code
from moegan_jax.errors import unknown
from moegan_jax.files import write_text
from moegan_jax.metrics import METRICS
from moegan_jax.report import emphasis, html, runs, table
from moegan_jax.report.published import Row, ranked
from moegan_jax.report.runs import Group

# On the terminal, where columns are dear; the other formats have all.
_SHOWN = ('bleu2', 'bleu4', 'bleu5', 'nll_oracle', 'kl_qp', 'grammatical')
_SHOWN += ('lm_score', 'self_bleu4', 'nll_test_token', 'entropy', 'kl_pq')
_SHOWN += ('distinct_sentences', 'reverse_lm_score', 'jeffreys', 'step_js')
_SHOWN += ('auc', 'frechet_lm', 'ngram_js3', 'copied', 'nearest')
_SETTINGS = 4  # differing ones that a line tells


def main(argv: Sequence[str] | None = None) -> int:
  """Runs a command line, sys.argv by default; 0 done, 2 bad input."""

  def work() -> None:
    options = _parser().parse_args(argv)
    keys = [k.strip() for k in options.measures.split(',') if k.strip()]
    for key in keys:
      if key not in METRICS:
        raise unknown('--measures', key, METRICS)
    groups = runs.fold([runs.load(path) for path in options.runs])
    benches = runs.benches(groups)
    as_text = markdown if options.format == 'markdown' else terminal
    if keys:
      draw = table.markdown if options.format == 'markdown' else table.plain
      print(chosen(benches, keys, draw), end='')
    else:
      print(as_text(benches), end='')
    if options.report:
      write_text(options.report, html.comparison_page(benches))
      print(f'\nwrote {options.report}', file=sys.stderr)

  return exit_code(work)


def markdown(benches: Sequence[Sequence[Group]]) -> str:
  """All measures and all notes, a page for each bench."""
  return '\n'.join(
    table.results(
      html.named_rows(groups),
      runs.real(groups),
      groups[0].first.benchmark or title,
      groups[0].first.protocol,
      bool(groups[0].first.benchmark),
    )
    for groups, title in zip(benches, html.titles(benches))
  )


def terminal(benches: Sequence[Sequence[Group]]) -> str:
  """The main measures in aligned columns, and the notes that go with them."""
  pages = []
  for groups, title in zip(benches, html.titles(benches)):
    run, truth = groups[0].first, runs.real(groups)
    rows = [emphasis.mark(row, truth) for row in html.named_rows(groups)]
    parts = [f'== {title} ==', html.protocol(run)]
    parts += [run.stands_in] if run.stands_in else []
    parts.append('\n'.join(_described(groups)))
    # Without values: what is known of their errors would be a page of notes.
    labels, notes = table.numbered(
      [row._replace(values={}) for row in (*rows, *truth)]
    )
    rows = _labelled((*rows, *truth), labels)
    for kind, name in table.KINDS.items():
      keys = [
        key
        for key in METRICS
        if key in _SHOWN
        and METRICS[key].kind == kind
        and any(key in row.values for row in rows)
      ]
      parts += [f'{name}\n{table.plain(rows, keys)}'] if keys else []
    parts += [notes] if notes else []
    parts += _printed(run.benchmark)
    pages.append('\n\n'.join(parts))
  return '\n\n\n'.join(pages) + '\n'


def chosen(
  benches: Sequence[Sequence[Group]],
  keys: Sequence[str],
  draw: Callable[[Sequence[Row], Sequence[str]], str],
) -> str:
  """A table of these measures for each bench, without published rows or notes.

  Args:
    keys: of METRICS, in the order of the columns
    draw: `table.markdown` or `table.plain`
  """
  pages = []
  for groups, title in zip(benches, html.titles(benches)):
    truth = runs.real(groups)
    rows = [emphasis.mark(row, truth) for row in html.named_rows(groups)]
    short = [
      Row(row.label, {k: row.values[k] for k in keys if k in row.values})
      for row in (*rows, *truth)
    ]
    pages.append(f'{title}\n\n{draw(short, keys).rstrip()}\n')
  return '\n'.join(pages)


def _described(groups: Sequence[Group]) -> list[str]:
  """A line a group: what was run, and the settings it does not share."""
  differing = html.differing_settings(groups)
  lines = []
  for i, group in enumerate(groups):
    facts = dict(html.facts(group))
    seeds = f'{group.seeds} seed{"s" if group.seeds > 1 else ""}'
    said = [facts['system'], seeds, facts.get('steps', '')]
    said += [f'{key} {values[i]}' for key, values in differing[:_SETTINGS]]
    lines.append(f'{group.name}: {", ".join(filter(None, said))}')
  more = len(differing) - _SETTINGS
  return lines + ([f'and {more} more settings differ'] if more > 0 else [])


def _printed(benchmark: str) -> list[str]:
  """Published rows of one benchmark, each group a table of its own."""
  parts = []
  for name, those in ranked(benchmark).items():
    labels, notes = table.numbered(those)
    head = f'Published, not in this ranking: {name}' if name else 'Published'
    parts += [f'{head}\n{table.plain(_labelled(those, labels))}', notes]
  return parts


def _labelled(rows: Sequence[Row], labels: Sequence[str]) -> list[Row]:
  return [row._replace(label=label) for row, label in zip(rows, labels)]


def _parser() -> Parser:
  parser = Parser(
    prog='python -m moegan_jax.compare',
    description=__doc__.partition('\n\n')[2],
  )
  parser.add_argument(
    'runs', nargs='+', metavar='RUN', help='folder of a finished run'
  )
  parser.add_argument(
    '--report', default='', metavar='FILE', help='HTML page to write'
  )
  parser.add_argument(
    '--format',
    choices=('table', 'markdown'),
    default='table',
    help='main measures in columns, or all measures with their notes',
  )
  parser.add_argument(
    '--measures',
    default='',
    metavar='A,B,...',
    help='only these, as columns in this order, without notes',
  )
  return parser


if __name__ == '__main__':
  sys.exit(main())
