"""Computes the measures of `evaluate`, one result for each profile."""

import argparse
import sys
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from moegan_jax.evaluate import texts as reading
from moegan_jax.evaluate import tokens

BLEU = ('bleu', 'self_bleu')  # the measures that depend on the profile
ALL = 'all'  # every profile


class Result(NamedTuple):
  """The result of one profile.

  Attributes:
    rows: 'samples', 'real_train', 'real_test' -> key of METRICS -> value.
    protocol: how the values were computed.
  """

  rows: dict[str, dict[str, float]]
  protocol: dict[str, Any]


def evaluate(
  args: argparse.Namespace, names: list[str]
) -> tuple[dict[str, Result], list[str]]:
  """Measures the samples and real text.

  Args:
    args: the parsed command line.
    names: the measures to compute, of `metrics.MEASURES`.

  Returns:
    A result for each profile, and the marks of the samples.
  """
  from moegan_jax.metrics import bootstrap
  from moegan_jax.metrics.profiles import PROFILES

  lines = reading.read(args)
  texts, invalid = tokens.tokenise(lines, args.codec, args)
  notes = [
    *reading.warnings(lines.samples),
    *_invalid(invalid, len(texts.samples), args.codec),
    *tokens.quotation_marks(lines, args),
    *lines.notes,
    *_remarks(texts, names, args),
  ]
  models, model_text = _language_models(texts, args)
  others = _others(texts, models, [n for n in names if n not in BLEU])

  def rows_of(profile: str) -> dict[str, dict[str, float]]:
    codec = tokens.codec_of(profile, args.codec)
    split = (
      texts if codec == args.codec else tokens.tokenise(lines, codec, args)[0]
    )
    rows = {}
    for key, row in _rows(split).items():
      arrays = _bleu(profile, row, names, len(texts.samples))
      rows[key] = {k: float(v.mean()) for k, v in arrays.items()}
      if key == 'samples':
        rows[key] |= bootstrap.intervals(arrays)
      rows[key] |= others[key]
    return rows

  chosen = list(PROFILES) if args.profile == ALL else [args.profile]
  found = {name: rows_of(name) for name in chosen}
  # The profile relgan gives all text a Self-BLEU of 1 and would hide collapse.
  marks = _marks(texts, found.get('strict') or rows_of('strict'))
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
      **tokens.described(tokens.codec_of(name, args.codec)),
      'normalisation': args.normalise,
      'smoothing': "NLTK's method1 (0.1 for no match), uniform weights",
      'bootstrap': (
        f'{bootstrap.RESAMPLES:,} resamples of the samples, 95 % percentile '
        'intervals; the texts they are compared with are not resampled'
      ),
      'empty_samples': sum(not words for words in texts.samples),
      'invalid_samples': invalid,
      **({'language_model': model_text} if model_text else {}),
      'notes': notes,
    }
    results[name] = Result(rows, protocol)
  return results, marks


def _rows(texts) -> dict[str, Any]:
  """Returns the texts of each row: samples, or real text in their place.

  Real text is not compared with the text that it comes from.
  """
  n = len(texts.samples)
  rows = {'samples': texts}
  if texts.train:
    rows['real_train'] = texts._replace(samples=texts.train[:n], train=[])
  if texts.references:
    rows['real_test'] = texts._replace(
      samples=texts.references[:n], references=[]
    )
  return rows


def _marks(texts, rows: dict[str, dict[str, float]]) -> list[str]:
  """Marks collapse and memorisation, at equal numbers of sentences.

  Args:
    texts: tokens under the profile strict.
    rows: measures under the profile strict.
  """
  from moegan_jax.metrics import guards
  from moegan_jax.metrics.measure import AT_TEST, AT_TRAIN

  ours, real = dict(rows['samples']), {}
  for key, suffix, sentences in (
    ('real_train', AT_TRAIN, texts.train),
    ('real_test', AT_TEST, texts.references),
  ):
    size = len(sentences)
    real[key] = dict(rows.get(key, {}))
    if 0 < size < len(texts.samples):
      ours |= guards.of_size(texts.samples, size, suffix)
      real[key] |= guards.of_size(sentences, size, suffix)
  return guards.marks(ours, real['real_train'], real['real_test'])


def _bleu(profile: str, texts, names: Iterable[str], n: int) -> dict[str, Any]:
  """Computes the arrays of BLEU and Self-BLEU that the texts of a row allow.

  Self-BLEU rises with the number of sentences, so a row of fewer than n
  sentences has none.
  """
  from moegan_jax.metrics.profiles import PROFILES

  found: dict[str, Any] = {}
  if 'bleu' in names and texts.references:
    found |= PROFILES[profile].bleu(texts.samples, texts.references)
  if 'self_bleu' in names and len(texts.samples) >= n:
    found |= PROFILES[profile].self_bleu(texts.samples)
  return found


def _others(
  texts, fit_lm: Callable | None, names: list[str]
) -> dict[str, dict[str, float]]:
  """Computes the measures of every row that do not depend on the profile."""
  from moegan_jax.metrics import MEASURES, lm_score, text_measures

  found = {
    key: text_measures(row, names, intervals=key == 'samples')
    for key, row in _rows(texts).items()
  }
  scored = [name for name in names if 'fit_lm' in MEASURES[name].needs]
  if fit_lm is None or not scored:
    return found
  found['samples'] |= text_measures(texts._replace(fit_lm=fit_lm), scored)
  if texts.train:
    real = texts.train[: len(texts.samples)]
    values = text_measures(texts._replace(samples=real, fit_lm=fit_lm), scored)
    for key in ('lm_score', 'lm_score_se'):  # the model is fitted to this text
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
  """Returns a function that fits a language model, and its protocol line.

  The vocabulary comes from the training text, or from the references without
  training text.
  """
  if not args.language_model:
    return None, ''
  from moegan_jax.scoring.language_model import fitter

  return fitter(
    texts.train or texts.references,
    log=lambda line: print(line, file=sys.stderr),
  )


def _invalid(invalid: int, total: int, codec: str) -> list[str]:
  """Notes samples that the codec cannot read, and warns of them."""
  if not invalid:
    return []
  unit = 'number' if codec == 'ids' else 'character'
  line = (
    f'{invalid:,} of {total:,} samples are invalid: the codec {codec} cannot '
    f'read them; they are scored with a token for each {unit}'
  )
  print(f'warning: {line}', file=sys.stderr)
  return [line]


def _remarks(texts, names: list[str], args: argparse.Namespace) -> list[str]:
  """Notes what limits the comparison of rows or of files."""
  from moegan_jax.metrics import left_out, novelty

  notes, n = left_out(args.codec), len(texts.samples)
  if not texts.references and not args.measures:
    notes.append(
      'no --references: BLEU and other comparisons with held-out text are '
      'left out'
    )
  if args.profile != 'strict' and not set(names) <= set(BLEU):
    notes.append(
      'the profile strict gives the marks and all measures except BLEU and '
      'Self-BLEU; backward and harmonic BLEU are strict, too'
    )
  if args.codec != 'word':
    notes.append(
      f'the codec {args.codec} determines the case of words, not the profile'
    )
  for name in ('train', 'references'):
    if 'self_bleu' in names and 0 < len(getattr(texts, name)) < n:
      notes.append(
        f'{name} has fewer lines than there are samples: the row has no '
        'Self-BLEU, and collapse is judged at equal numbers of sentences'
      )
  if 'novelty' in names and texts.train:
    seen = novelty.scored(texts.samples, texts.train)
    if seen < n:
      notes.append(
        f'the nearest training sentence and novelty are computed for {seen:,} '
        'evenly spaced samples'
      )
  return notes
