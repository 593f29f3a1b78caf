"""Tables that compare finished runs, one for each corpus and protocol."""

from collections.abc import Callable, Sequence

from moegan_jax.metrics import METRICS
from moegan_jax.report import (
  by_class,
  describe,
  display,
  emphasis,
  runs,
  table,
)
from moegan_jax.report.published import ranked
from moegan_jax.report.rows import Row
from moegan_jax.report.runs import RunGroup

# Measures of the terminal tables, where space is limited; the other formats
# show all measures.
_TERMINAL_MEASURES = (
  'bleu2',
  'bleu4',
  'bleu5',
  'nll_oracle',
  'kl_qp',
  'grammatical',
  'lm_score',
  'self_bleu4',
  'nll_test_token',
  'entropy',
  'kl_pq',
  'distinct_sentences',
  'reverse_lm_score',
  'jeffreys',
  'step_js',
  'auc',
  'class_accuracy',
  'frechet_lm',
  'ngram_js3',
  'copied',
  'nearest',
)
_MAX_SETTINGS = 4  # differing settings listed for a group


def markdown(benches: Sequence[Sequence[RunGroup]]) -> str:
  """Formats all measures and notes as markdown, one page per corpus.

  Args:
    benches: lists of groups that can share a table; see `runs.benches`.
  """
  pages = []
  for groups, title in zip(benches, describe.titles(benches)):
    run, truth = groups[0].first, runs.real(groups)
    ours = display.named_rows(groups)
    pages.append(
      table.results(
        ours,
        truth,
        run.benchmark or title,
        run.protocol,
        bool(run.benchmark),
      )
    )
    pages.append(by_class.markdown(ours, truth))
  return '\n'.join(filter(None, pages))


def terminal(benches: Sequence[Sequence[RunGroup]]) -> str:
  """Formats the main measures as aligned columns, with their notes.

  Args:
    benches: lists of groups that can share a table; see `runs.benches`.
  """
  pages = []
  for groups, title in zip(benches, describe.titles(benches)):
    run, truth = groups[0].first, runs.real(groups)
    named = display.named_rows(groups)
    rows = [emphasis.mark(row, truth) for row in named]
    parts = [f'== {title} ==', describe.protocol(run)]
    parts += [run.stands_in] if run.stands_in else []
    parts.append('\n'.join(_descriptions(groups)))
    # Notes without values: the standard errors would fill a page.
    labels, notes = table.footnotes(
      [row._replace(values={}) for row in (*rows, *truth)]
    )
    rows = _labelled((*rows, *truth), labels)
    for kind, name in table.KINDS.items():
      keys = [
        key
        for key in METRICS
        if key in _TERMINAL_MEASURES
        and METRICS[key].kind == kind
        and any(key in row.values for row in rows)
      ]
      those = [row for row in rows if any(key in row.values for key in keys)]
      parts += [f'{name}\n{table.plain(those, keys)}'] if those else []
    parts += filter(None, (by_class.plain(named, truth), notes))
    parts += _published(run.benchmark)
    pages.append('\n\n'.join(parts))
  return '\n\n\n'.join(pages) + '\n'


def chosen(
  benches: Sequence[Sequence[RunGroup]],
  keys: Sequence[str],
  draw: Callable[[Sequence[Row], Sequence[str]], str],
) -> str:
  """Formats the chosen measures, without published rows and notes.

  Args:
    benches: lists of groups that can share a table; see `runs.benches`.
    keys: keys of METRICS, in the order of the columns.
    draw: `table.markdown` or `table.plain`.
  """
  pages = []
  for groups, title in zip(benches, describe.titles(benches)):
    truth = runs.real(groups)
    rows = [emphasis.mark(row, truth) for row in display.named_rows(groups)]
    short = [
      Row(row.label, {k: row.values[k] for k in keys if k in row.values})
      for row in (*rows, *truth)
    ]
    pages.append(f'{title}\n\n{draw(short, keys).rstrip()}\n')
  return '\n'.join(pages)


def _descriptions(groups: Sequence[RunGroup]) -> list[str]:
  """Describes each group in a line, with the settings that differ."""
  differing = describe.differing_settings(groups)
  lines = []
  for i, group in enumerate(groups):
    facts = dict(describe.facts(group))
    seeds = f'{group.seeds} seed{"s" if group.seeds > 1 else ""}'
    entries = [facts['system'], seeds, facts.get('steps', '')]
    entries += [
      f'{key} {values[i]}' for key, values in differing[:_MAX_SETTINGS]
    ]
    lines.append(f'{group.name}: {", ".join(filter(None, entries))}')
  more = len(differing) - _MAX_SETTINGS
  return lines + ([f'{more} more settings differ'] if more > 0 else [])


def _published(benchmark: str) -> list[str]:
  """Formats the published rows of a benchmark, one table per group."""
  parts = []
  for name, those in ranked(benchmark).items():
    labels, notes = table.footnotes(those)
    head = f'Published, not in this ranking: {name}' if name else 'Published'
    parts += [f'{head}\n{table.plain(_labelled(those, labels))}', notes]
  return parts


def _labelled(rows: Sequence[Row], labels: Sequence[str]) -> list[Row]:
  return [row._replace(label=label) for row, label in zip(rows, labels)]
