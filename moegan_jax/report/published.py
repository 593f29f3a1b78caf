"""Published results, read from published.toml.

BLEU depends on the number of scored sentences and of references, so hardly any
two published rows can be ranked without reading their notes.
"""

import functools
import pathlib
import tomllib
from typing import Any

from moegan_jax.report.rows import Row, Spread, finite

__all__ = ['LABELS', 'Row', 'Spread', 'finite', 'published', 'ranked']

# Column heads of published measures that this package does not compute.
LABELS = {
  'nll_gen': 'NLL_gen',
  'nll_gen_sum': 'NLL oracle+gen',
  'human': 'human',
}

TEMPERATURE_CURVE = 'temperature curve'  # a group of published.toml


def published(corpus: str) -> list[Row]:
  """Returns the published rows for a corpus; [] if there are none.

  Args:
    corpus: name of a benchmark, such as 'coco' or 'synthetic20'.
  """
  data = _read()
  notes = data['notes']
  rows = []
  for block in data['corpora'].get(corpus, []):
    columns = block['columns'].split()
    for row in block['rows']:
      values = {
        column: _number(number)
        for column, number in zip(columns, row['values'].split(), strict=True)
        if number != '-'
      }
      note = notes[row.get('note', block['note'])]
      source = row.get('source', block['source'])
      rows.append(
        Row(row['label'], values, note, source, block.get('group', ''))
      )
  return rows


def ranked(corpus: str) -> dict[str, list[Row]]:
  """Returns the published rows by group, the main group ('') first."""
  groups: dict[str, list[Row]] = {}
  for row in published(corpus):
    groups.setdefault(row.group, []).append(row)
  return groups


@functools.cache
def _read() -> dict[str, Any]:
  text = pathlib.Path(__file__).with_name('published.toml').read_text('utf-8')
  return tomllib.loads(text)


def _number(text: str) -> float | Spread:
  """Parses '.5' or '.5±.1'."""
  mean, _, deviation = text.partition('±')
  return Spread(float(mean), float(deviation)) if deviation else float(mean)
