"""What `evaluate` measures: one result for each protocol asked for."""

import argparse
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from moegan_jax.evaluate import texts as reading

BLEU = ('bleu', 'self_bleu')  # the measures that a profile defines
ALL = 'all'  # every profile


class Result(NamedTuple):
  """What one profile gives.

  rows: 'samples', 'real_train', 'real_test' -> key of METRICS -> number
  protocol: how the numbers were made
  """

  rows: dict[str, dict[str, float]]
  protocol: dict[str, Any]


def evaluate(
  args: argparse.Namespace, names: list[str]
) -> tuple[dict[str, Result], list[str]]:
  """A result for each profile asked for, and the marks of the samples."""
  from moegan_jax.metrics import bootstrap, guards
  from moegan_jax.metrics.profiles import PROFILES

  lines = reading.read(args)
  texts = reading.tokenise(lines, args.codec, args)
  notes = [
    *reading.warnings(lines),
    *lines.notes,
    *_remarks(texts, names, args),
  ]
  models, said = _language_models(texts, args)
  others = _others(texts, models, [n for n in names if n not in BLEU])

  def rows_of(profile: str) -> dict[str, dict[str, float]]:
    codec = reading.codec_of(profile, args.codec)
    those = (
      texts if codec == args.codec else reading.tokenise(lines, codec, args)
    )
    rows = {}
    for key, row in _rows(those).items():
      arrays = _bleu(profile, row, names, len(texts.samples))
      rows[key] = {k: float(v.mean()) for k, v in arrays.items()}
      if key == 'samples':
        rows[key] |= bootstrap.intervals(arrays)
      rows[key] |= others[key]
    return rows

  chosen = list(PROFILES) if args.profile == ALL else [args.profile]
  found = {name: rows_of(name) for name in chosen}
  # Collapse must not hide behind a profile under which all text is alike.
  strict = found.get('strict') or rows_of('strict')
  marks = guards.marks(
    strict['samples'], strict.get('real_train'), strict['real_test']
  )
  results = {}
  for name, rows in found.items():
    protocol = {
      'profile': name,
      'text': PROFILES[name].text,
      'samples': len(texts.samples),
      'hypotheses': len(texts.samples[: PROFILES[name].bleu_samples]),
      'self_bleu_hypotheses': len(
        texts.samples[: PROFILES[name].self_bleu_samples]
      ),
      'references': len(texts.references),
      'train': len(texts.train),
      **reading.tokeniser(reading.codec_of(name, args.codec)),
      'smoothing': "NLTK's method1 (0.1 for no match), uniform weights",
      'bootstrap': (
        f'{bootstrap.RESAMPLES:,} resamples of sentences, 95 % percentile '
        'intervals; what a sentence is compared with is held fixed'
      ),
      'empty_samples': sum(not words for words in texts.samples),
      **({'language_model': said} if said else {}),
      'notes': notes,
    }
    results[name] = Result(rows, protocol)
  return results, marks


def _rows(texts) -> dict[str, Any]:
  """What stands in the place of samples in each row, and against what.

  Real text is not compared with the part that it is taken from.
  """
  n = len(texts.samples)
  rows = {'samples': texts}
  if texts.train:
    rows['real_train'] = texts._replace(samples=texts.train[:n], train=[])
  rows['real_test'] = texts._replace(
    samples=texts.references[:n], references=[]
  )
  return rows


def _bleu(profile: str, texts, names: Iterable[str], n: int) -> dict[str, Any]:
  """The arrays of BLEU and Self-BLEU that the texts of a row allow.

  Self-BLEU grows with the number of sentences: fewer than n have none.
  """
  from moegan_jax.metrics.profiles import PROFILES

  found = {}
  if 'bleu' in names and texts.references:
    found |= PROFILES[profile].bleu(texts.samples, texts.references)
  if 'self_bleu' in names and len(texts.samples) >= n:
    found |= PROFILES[profile].self_bleu(texts.samples)
  return found


def _others(
  texts, fit_lm: Callable | None, names: list[str]
) -> dict[str, dict[str, float]]:
  """The measures of every row that no profile defines."""
  from moegan_jax.metrics import MEASURES, lm_score, text_measures

  found = {
    key: text_measures(row, names, intervals=key == 'samples')
    for key, row in _rows(texts).items()
  }
  judged = [name for name in names if 'fit_lm' in MEASURES[name].needs]
  if fit_lm is None or not judged:
    return found
  found['samples'] |= text_measures(texts._replace(fit_lm=fit_lm), judged)
  if texts.train:
    real = texts.train[: len(texts.samples)]
    values = text_measures(texts._replace(samples=real, fit_lm=fit_lm), judged)
    for key in ('lm_score', 'lm_score_se'):  # it has learnt this very text
      values.pop(key, None)
    found['real_train'] |= values
    if 'lm_score' in found['samples']:
      held_out = texts.references[: len(texts.samples)]
      value, error = lm_score.ratio(*fit_lm(texts.train).nll(held_out))
      found['real_test'] |= {'lm_score': value, 'lm_score_se': error}
  return found


def _language_models(
  texts, args: argparse.Namespace
) -> tuple[Callable | None, str]:
  """What fits a language model to sentences, and its protocol in a line.

  Real text is the training text, or the references where there is none.
  """
  if not args.language_model:
    return None, ''
  from moegan_jax.scoring.language_model import fitter

  return fitter(
    texts.train or texts.references,
    log=lambda said: print(said, file=sys.stderr),
  )


def _remarks(texts, names: list[str], args: argparse.Namespace) -> list[str]:
  """What a reader must know before comparing rows or files."""
  from moegan_jax.metrics import left_out, novelty

  notes, n = left_out(args.codec), len(texts.samples)
  if args.profile != 'strict' and not set(names) <= set(BLEU):
    notes.append(
      'marks and all measures but BLEU and Self-BLEU are those of strict, '
      'backward and harmonic BLEU among them'
    )
  if args.codec != 'word':
    notes.append(f'the codec {args.codec} decides on the case, not the profile')
  for name in ('train', 'references'):
    if 'self_bleu' in names and 0 < len(getattr(texts, name)) < n:
      notes.append(f'fewer lines of {name} than samples: no Self-BLEU of them')
  if 'novelty' in names and texts.train:
    seen = novelty.scored(texts.samples, texts.train)
    if seen < n:
      notes.append(
        f'{seen:,} samples, evenly spaced, are compared for the nearest '
        'training sentence and for novelty'
      )
  return notes
