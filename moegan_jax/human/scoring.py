"""Scores of filled sheets, and their table."""

import json
import math
import os
import pathlib
import statistics
from collections.abc import Sequence
from typing import Any

from moegan_jax.errors import UserError
from moegan_jax.files import jsonable
from moegan_jax.human.key import StudyKey, read_key
from moegan_jax.human.sheet import SCALE, read_sheet

MIN_WORDS = 10  # a shorter sentence loses one point


def score(
  sheets: Sequence[str | os.PathLike], key: str | os.PathLike
) -> dict[str, Any]:
  """Computes the scores of a study from its filled sheets.

  Args:
    sheets: one per rater.
    key: the key that `make` wrote with them.

  Returns:
    raters: number of raters.
    kappa: Fleiss' kappa over all sentences with categories 1..5; None for one
      rater, or if all scores are equal.
    systems: name -> dict with
      n: number of sentences;
      human, human_sd: mean over sentences of the mean over raters, minus one
        point for short sentences, and its standard deviation over sentences
        (ddof = 1, None for one sentence);
      raw, raw_sd: the same without the point for short sentences;
      short: share of sentences shorter than `MIN_WORDS` words;
      blank: number of blank lines in the text.

  Raises:
    UserError: a file cannot be read, a sheet belongs to another key or is
      given twice, an id is unknown, repeated or missing, or a score is missing
      or not 1..5. The message names file and row.
  """
  from moegan_jax.metrics.agreement import fleiss_kappa, tally

  known = read_key(key)
  paths = [pathlib.Path(sheet) for sheet in sheets]
  places = [path.resolve() for path in paths]
  for path, place in zip(paths, places):
    if places.count(place) > 1:
      raise UserError(f'{path} was given twice; pass one sheet per rater')
  by_rater = [read_sheet(path, known, key) for path in paths]
  ratings = {id: [scores[id] for scores in by_rater] for id in known.items}
  kappa = None
  if len(paths) > 1:
    kappa = fleiss_kappa(tally(list(ratings.values()), SCALE))
    kappa = None if math.isnan(kappa) else kappa
  return {
    'raters': len(paths),
    'kappa': kappa,
    'systems': {
      name: _system_scores(name, known, ratings) for name in known.blank
    },
  }


def _system_scores(
  name: str, key: StudyKey, ratings: dict[str, list[int]]
) -> dict[str, Any]:
  items = {id: item for id, item in key.items.items() if item.system == name}
  raw = [statistics.fmean(ratings[id]) for id in items]
  short = [len(item.sentence.split()) < MIN_WORDS for item in items.values()]
  human = [mean - penalty for mean, penalty in zip(raw, short)]

  def deviation(values):
    return statistics.stdev(values) if len(values) > 1 else None

  return {
    'n': len(items),
    'human': statistics.fmean(human),
    'human_sd': deviation(human),
    'raw': statistics.fmean(raw),
    'raw_sd': deviation(raw),
    'short': statistics.fmean(short),
    'blank': key.blank[name],
  }


def formatted(result: dict[str, Any], form: str) -> str:
  """Formats the result of `score`.

  Args:
    result: of `score`.
    form: 'table', 'markdown' or 'json'.
  """
  if form == 'json':
    return json.dumps(jsonable(result), indent=2, ensure_ascii=False)
  from moegan_jax.report import table
  from moegan_jax.report.rows import Row, Spread

  def spread(scores: dict[str, Any], name: str):
    deviation = scores[f'{name}_sd']
    return (
      scores[name] if deviation is None else Spread(scores[name], deviation)
    )

  systems = result['systems']
  raw, short = 'raw', f'share under {MIN_WORDS} words'
  rows = [
    Row(
      name,
      {
        'human': spread(scores, 'human'),
        raw: spread(scores, 'raw'),
        short: scores['short'],
      },
    )
    for name, scores in systems.items()
  ]
  printed = table.markdown if form == 'markdown' else table.plain
  lines = [
    f'raters: {result["raters"]}; sentences: '
    + ', '.join(f'{scores["n"]} of {name}' for name, scores in systems.items()),
    f'human: scale 1 to 5, minus one point for a sentence shorter than '
    f'{MIN_WORDS} words (separated by white space; no floor).',
    f'{raw}: without this penalty. ± is the standard deviation over sentences '
    'of the mean over raters (ddof 1).',
    _agreement(result['kappa'], result['raters']),
    *blank_lines({name: scores['blank'] for name, scores in systems.items()}),
  ]
  bullet = '* ' if form == 'markdown' else ''
  notes = '\n'.join(bullet + line for line in lines)
  return f'{printed(rows, ["human", raw, short]).rstrip()}\n\n{notes}'


def blank_lines(blank: dict[str, int]) -> list[str]:
  """Returns one line for each system whose text has blank lines."""
  return [
    f'{count} blank lines in the text of {name} were left out.'
    for name, count in blank.items()
    if count
  ]


def _agreement(kappa: float | None, raters: int) -> str:
  """Describes Fleiss' kappa in one line."""
  from moegan_jax.metrics.agreement import in_words

  if kappa is None:
    why = 'all scores are equal' if raters > 1 else 'there is one rater'
    return f"Fleiss' kappa: undefined, since {why}."
  return (
    f"Fleiss' kappa: {kappa:.3f}, {in_words(kappa)} (Landis and Koch, 1977); 1 "
    'is full agreement and 0 is chance. Categories are unordered: 4 against 5 '
    'counts like 1 against 5.'
  )
