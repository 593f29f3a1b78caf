"""Formats the results of `evaluate` as tables with notes, or as JSON."""

import argparse
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from moegan_jax.evaluate.measuring import ALL, BLEU, Result


def _notes(results: Mapping[str, Result]) -> list[str]:
  return next(iter(results.values())).protocol['notes']


def as_json(
  results: Mapping[str, Result], marks: list[str], args: argparse.Namespace
) -> str:
  """Formats the results as JSON.

  Returns:
    An object, measure -> number, with the keys 'protocol' and 'marks'; for
    `--profile=all`, such an object for each profile. Values that are not
    finite are left out.
  """
  from moegan_jax.files import jsonable

  objects = {}
  for name, (rows, protocol) in results.items():
    numbers = {k: v for k, v in rows['samples'].items() if math.isfinite(v)}
    real = {key: rows[key] for key in rows if key != 'samples'}
    objects[name] = {
      **numbers,
      'protocol': protocol | {'real_text': real},
      'marks': marks,
    }
  value = objects if args.profile == ALL else objects[args.profile]
  return json.dumps(jsonable(value), indent=2, allow_nan=False) + '\n'


def tables(
  results: Mapping[str, Result], marks: list[str], args: argparse.Namespace
) -> str:
  """Formats the results as tables, followed by marks, protocol and notes."""
  from moegan_jax.metrics import MEASURES, METRICS
  from moegan_jax.report import table
  from moegan_jax.report.rows import Row

  marked = ', '.join(mark.partition(':')[0] for mark in marks)
  label = f'samples ({marked})' if marked else 'samples'
  if args.profile == ALL:
    rows = [Row(name, one.rows['samples']) for name, one in results.items()]
    wanted = {key for name in BLEU for key in MEASURES[name].columns}
  else:
    found = results[args.profile].rows
    rows = [Row(label, found['samples']), *_interval(found['samples'])]
    for key in ('real_train', 'real_test'):
      rows += [Row(key.replace('_', ' '), found[key])] if key in found else []
    wanted = set(METRICS)
  keys = {key for row in rows for key in row.values} & wanted
  heads = '## {}\n\n{}' if args.format == 'markdown' else '{}\n{}\n'
  draw = table.markdown if args.format == 'markdown' else table.plain
  parts = []
  for kind, title in table.KINDS.items():
    columns = [k for k in METRICS if k in keys and METRICS[k].kind == kind]
    if columns:
      there = [_only(row, columns) for row in rows]
      there = [row for row in there if row.values]
      parts.append(heads.format(title, draw(there, columns)))
  lines = [*marks, *_protocol(results), *_notes(results)]
  return '\n'.join(parts) + '\n' + ''.join(f'* {line}\n' for line in lines)


def _only(row: Any, columns: Iterable[str]) -> Any:
  """Reduces a row to some measures and their standard errors."""
  kept = {*columns, *(f'{key}_se' for key in columns)}
  return row._replace(values={k: v for k, v in row.values.items() if k in kept})


def _interval(values: Mapping[str, float]) -> list[Any]:
  """Returns two rows, the ends of the bootstrap intervals."""
  from moegan_jax.report.rows import Row

  rows = []
  for label, end in (('  95 % from', '_low'), ('  95 % to', '_high')):
    ends = {k[: -len(end)]: v for k, v in values.items() if k.endswith(end)}
    rows += [Row(label, ends)] if ends else []
  return rows


def _protocol(results: Mapping[str, Result]) -> list[str]:
  """Returns the lines that describe the protocol."""
  found = [f'{name}: {r.protocol["text"]}' for name, r in results.items()]
  protocol = next(iter(results.values())).protocol
  counted = ', '.join(
    f'{protocol[key]:,} {word}'
    for key, word in (
      ('samples', 'samples'),
      ('references', 'references'),
      ('train', 'training lines'),
    )
    if protocol[key]
  )
  tokens = ' and '.join(
    dict.fromkeys(r.protocol['tokeniser'] for r in results.values())
  )
  normal = protocol['normalisation']
  found.append(
    f'{counted}; {tokens}; Unicode normalisation {normal}; '
    f'{protocol["smoothing"]}'
  )
  found.append(f'intervals: {protocol["bootstrap"]}')
  if 'language_model' in protocol:
    found.append(protocol['language_model'])
  return found
