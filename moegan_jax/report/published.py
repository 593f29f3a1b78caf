"""Numbers that papers printed, each with its source and what it compares to.

Only what was read in the paper, or in a table of its code, stands here. The
rows marked 'recomputed' are ours, from the files that the authors released.
BLEU depends on how many sentences are scored against how many, so almost no
two of these rows may be ranked without their notes. NLL_gen is what the
authors' code computes: nats a position, padding included, on TRAINING data.
"""

from typing import Any, NamedTuple

import numpy as np


class Spread(NamedTuple):
  """A mean and the deviation that was printed with it."""

  mean: float
  deviation: float


class Row(NamedTuple):
  """One line of a table.

  label: the system
  values: measure -> number, array over seeds, or Spread
  note: what the numbers can be compared with
  source: where they were printed; '' for our own
  group: rows of different groups never share a ranking; '' for the main one
  key: which row of a run it is: pretrain, adversarial, best, tempered,
    mle_best, cooled, real_train, real_test; '' in print
  """

  label: str
  values: dict[str, Any]
  note: str = ''
  source: str = ''
  group: str = ''
  key: str = ''


def finite(values: Any) -> np.ndarray:
  """float64 [seeds] of the seeds that have a value: one that diverged is NaN.

  Where none has, all of them.
  """
  seeds = np.asarray(values, np.float64).ravel()
  there = seeds[~np.isnan(seeds)]
  return there if there.size else seeds


# The heads of what published tables have and we do not compute.
LABELS = {
  'nll_gen': 'NLL_gen',
  'nll_gen_sum': 'NLL oracle+gen',
  'human': 'human',
}

_BLEU = ('bleu2', 'bleu3', 'bleu4', 'bleu5')
_SELF = ('self_bleu2', 'self_bleu3', 'self_bleu4', 'self_bleu5')

OTHER_ORACLE = '64-dimensional oracle'
CURVE = 'temperature curve'
ON_TRAIN = 'BLEU against the training text'
HUMAN = 'human scores'

_MOEGAN = 'MoEGAN paper, Table {}'
_CCL = 'CCL paper, Table {}'
_SLGAN = 'SLGAN paper, Table 2'
_TEXYGEN = 'Texygen, docs/evaluation.md'
_RECOMPUTED = 'recomputed from the released files'

_ALL = (
  'BLEU: all 9,984 samples against all test lines, lower-cased, method1: '
  'our protocol'
)
_HUNDRED = (
  'BLEU of the first 100 samples: deviation about .02 from that alone; not '
  'comparable with all samples'
)
_UNSTATED = 'number of scored samples not stated; the RelGAN code scores 100'


def _row(label, names, numbers, source, note='', group='') -> Row:
  """numbers: one a name, as printed: '.5', '.5±.1', or '-' for none."""
  values = {}
  for name, number in zip(names, numbers.split(), strict=True):
    mean, _, deviation = number.partition('±')
    if mean == '-':
      continue
    values[name] = (
      Spread(float(mean), float(deviation)) if deviation else float(mean)
    )
  return Row(label, values, note, source, group)


def _coco() -> list[Row]:
  both = f'{_TEXYGEN}; NLL_gen: {_MOEGAN.format(3)}'
  rows = [
    ('MLE', '.731 .497 .305 .189 .718 .916 .769 .583 .408', both),
    ('SeqGAN', '.745 .498 .294 .180 1.082 .950 .840 .670 .489', both),
    ('MaliGAN', '.673 .432 .257 .159 - .918 .781 .606 .437', _TEXYGEN),
    ('RankGAN', '.743 .467 .264 .156 1.344 .959 .882 .762 .618', both),
    ('LeakGAN', '.746 .528 .355 .230 .679 .966 .913 .848 .780', both),
    ('TextGAN', '.593 .463 .277 .207 - .942 .931 .804 .746', _TEXYGEN),
  ]
  names = (*_BLEU, 'nll_gen')
  return [
    _row(
      'real text: train as samples',
      (*_BLEU, *_SELF),
      '.740 .520 .337 .218 .892 .747 .574 .416',
      _RECOMPUTED,
      'training against all test lines; the split is not i.i.d.',
    ),
    *(_row(k, (*names, *_SELF), v, source, _ALL) for k, v, source in rows),
    _row(
      'SLGAN',
      (*_BLEU, *_SELF),
      '.753 .502 .348 .251 .751 .573 .422 .313',
      _SLGAN,
      'beside the rows of Texygen; number of scored samples not stated',
    ),
    _row(
      'RelGAN (beta_max 100)',
      names,
      '.849±.030 .687±.047 .502±.048 .331±.044 .756±.054',
      f'RelGAN paper; {_MOEGAN.format(3)}',
      _HUNDRED,
    ),
    _row(
      'RelGAN (beta_max 1000)',
      names,
      '.814±.012 .634±.020 .455±.023 .303±.020 .655±.048',
      'RelGAN paper',
      _HUNDRED,
    ),
    _row(
      'SAL',
      names,
      '.785±.02 .581±.03 .362±.02 .227±.02 .873±.02',
      f'{_CCL.format(3)}; {_MOEGAN.format(3)}',
      _UNSTATED,
    ),
    _row(
      'CCL',
      names,
      '.871±.032 .715±.050 .538±.068 .399±.082 .630±.103',
      f'{_CCL.format(3)}; {_MOEGAN.format(3)}',
      _UNSTATED,
    ),
    _row(
      'CCL, ablation: with CCL',
      names,
      '.872 .715 .531 .363 .610',
      _CCL.format(5),
      _UNSTATED,
    ),
    _row(
      'CCL, ablation: without CCL',
      names,
      '.813 .630 .445 .312 .683',
      _CCL.format(5),
      _UNSTATED,
    ),
    _row(
      'MoEGAN',
      names,
      '.963±.020 .902±.059 .814±.072 .695±.076 .639±.027',
      _MOEGAN.format(3),
      _UNSTATED + '; BLEU-4 of real text against all test lines is .337',
    ),
    *(
      _row(label, _BLEU, v, _TEXYGEN, 'all 9,984 samples', ON_TRAIN)
      for label, v in _TRAIN_BLEU
    ),
    *(
      _row(
        label,
        ('human',),
        v,
        _MOEGAN.format(4),
        '10 raters, 100 sentences a system, 1 to 5; a sentence under ten words '
        'loses a point',
        HUMAN,
      )
      for label, v in _HUMAN
    ),
    *(
      _row(
        label,
        ('human',),
        v,
        'SLGAN paper',
        '3 raters, 100 sentences a system, overall; kappa .63; not on a scale '
        "with the MoEGAN paper's",
        HUMAN,
      )
      for label, v in _HUMAN_SLGAN
    ),
  ]


def _emnlp() -> list[Row]:
  names = (*_BLEU, 'nll_gen')
  held_out = '4,000 of 10,000 training lines held out, against all test lines'
  paper = f'RelGAN paper; {_MOEGAN.format(3)}'
  copied = 'BLEU as the paper reports it; casing and sample size not stated'
  rows = [
    ('MLE', '.768 .473 .240 .126 2.382', paper, copied),
    ('SeqGAN', '.777 .491 .261 .138 2.773', paper, copied),
    ('RankGAN', '.727 .435 .209 .101 3.345', paper, copied),
    ('LeakGAN', '.826 .645 .437 .272 2.356', paper, copied),
    (
      'RelGAN (beta_max 100)',
      '.881±.013 .705±.019 .501±.023 .319±.018 2.482±.031',
      paper,
      _HUNDRED,
    ),
    (
      'RelGAN (beta_max 1000)',
      '.837±.012 .654±.010 .435±.011 .265±.011 2.285±.025',
      'RelGAN paper',
      _HUNDRED,
    ),
    (
      'SAL',
      '.788±.02 .523±.02 .281±.02 .149±.02 2.578±.04',
      f'{_CCL.format(4)}; {_MOEGAN.format(3)}',
      _UNSTATED,
    ),
    (
      'CCL',
      '.903±.016 .749±.022 .525±.017 .324±.008 2.818±.499',
      f'{_CCL.format(4)}; {_MOEGAN.format(3)}',
      _UNSTATED,
    ),
    (
      'MoEGAN',
      '.910±.015 .769±.021 .568±.026 .374±.023 2.480±.025',
      _MOEGAN.format(3),
      _UNSTATED,
    ),
  ]
  return [
    _row(
      'real text, references cased',
      _BLEU,
      '.796 .539 .311 .171',
      _RECOMPUTED,
      f'{held_out}; lower-cased lines, cased references as in Texygen',
    ),
    _row(
      'real text, references lower-cased',
      _BLEU,
      '.851 .596 .358 .203',
      _RECOMPUTED,
      f'{held_out}; all lower-cased: our protocol',
    ),
    _row(
      'real text: test lines',
      _SELF,
      '.860 .618 .386 .232',
      _RECOMPUTED,
      'lower-cased, leave-one-out',
    ),
    *(_row(k, names, v, source, note) for k, v, source, note in rows),
    *(
      _row(
        label,
        ('lm_score', 'reverse_lm_score'),
        v,
        _FALLING,
        'nats a token under 2-layer LSTMs of 512 units; another tokeniser and '
        'split than ours: read the shape of the curve, not the level',
        CURVE,
      )
      for label, v in _NEWS
    ),
  ]


# NLL_oracle at length 20 and 40, as the RelGAN paper collected them.
_COLLECTED = (
  ('MLE', 9.038, 10.411),
  ('SeqGAN', 8.736, 10.310),
  ('RankGAN', 8.247, 9.958),
  ('LeakGAN', 7.038, 7.191),
)
# NLL_oracle, NLL_gen and their sum: at length 20 | at length 40.
_SYNTHETIC = {
  'MLE': '9.05±.03 5.96±.02 15.02±.03 | 9.84±.02 6.55±.02 16.39±.01',
  'SeqGAN': '8.63±.19 6.61±.22 15.00±.03 | 9.63±.04 6.98±.08 16.35±.02',
  'RankGAN': '8.42±.31 7.14±.34 15.01±.02 | 9.52±.11 7.05±.12 16.37±.02',
  'MaliGAN': '8.74±.16 6.62±.25 15.03±.03 | 9.67±.03 7.14±.09 16.39±.03',
  'SAL': '7.71±.17 6.58±.15 14.29±.11 | 9.31±.03 6.97±.05 16.24±.03',
  'RelGAN, run again': (
    '6.73±.54 6.38±.70 13.11±.55 | 6.68±.20 7.17±.69 13.85±.54'
  ),
  'CCL': '6.77±.34 6.91±.62 13.69±.36 | 6.65±.14 7.68±.79 14.33±.76',
  'MoEGAN': '5.84±.35 5.07±.78 10.90±.59 | 5.71±.29 7.46±.66 10.17±.43',
}
_MISPRINT = '; NLL_oracle and NLL_gen add up to 13.17: likely a misprint'
_FALLING = 'Language GANs Falling Short, released figures'
# Temperature divides the logits; NLL_oracle, NLL_test.
_COOLED = (
  ('MLE, temperature 1/.7', '10.03 7.60'),
  ('MLE, temperature 1', '9.40 7.61'),
  ('MLE, temperature 1/1.51', '8.05 8.04'),
  ('MLE, temperature 1/1.99', '6.53 8.83'),
  ('MLE, temperature 1/2.5', '5.53 9.96'),
  ('RL-GAN, temperature 1', '8.75 8.06'),
  ('RL-GAN, temperature 1/1.99', '5.83 11.02'),
  ('RL-GAN, temperature 1/2.5', '5.44 13.12'),
  ('SeqGAN, temperature 1/.98', '9.66 9.11'),
  ('SeqGAN, temperature 1/2.48', '8.13 16.35'),
  ('CoT, temperature 1/.98', '9.44 7.56'),
  ('CoT, temperature 1/2.48', '5.68 10.49'),
  ('LeakGAN, temperature 1/.98', '10.61 11.07'),
)
# The same on news: score of the samples, reverse score of the test text.
_NEWS = (
  ('MLE, temperature 1', '3.628 3.991'),
  ('MLE, temperature 1/1.14', '3.028 4.133'),
  ('MLE, temperature 1/1.5', '2.301 4.832'),
  ('MLE, temperature 1/2', '1.906 5.739'),
  ('GAN, temperature 1/.9', '3.893 4.332'),
  ('GAN, temperature 1', '3.389 4.491'),
  ('GAN, temperature 1/1.5', '2.301 5.562'),
  ('CoT, temperature 1', '4.682 4.390'),
  ('CoT, temperature 1/1.5', '2.957 5.413'),
)
# BLEU-2..5 with the training file in the place of the test file.
_TRAIN_BLEU = (
  ('MLE', '.921 .768 .570 .392'),
  ('SeqGAN', '.917 .747 .530 .348'),
  ('MaliGAN', '.887 .697 .482 .312'),
  ('RankGAN', '.937 .799 .601 .414'),
  ('LeakGAN', '.926 .816 .660 .470'),
  ('TextGAN', '.650 .645 .596 .523'),
)
# The MoEGAN paper, Table 4: 10 raters, 100 sentences each, 1 to 5.
_HUMAN = (
  ('MLE', '3.126±.388'),
  ('SeqGAN', '3.056±.349'),
  ('RankGAN', '3.017±.386'),
  ('LeakGAN', '3.005±.353'),
  ('MaliGAN', '3.014±.385'),
  ('TextGAN', '1.967±.421'),
  ('RelGAN', '3.709±.441'),
  ('MoEGAN', '4.077±.348'),
)
# The SLGAN paper: 3 raters, 100 sentences each, overall.
_HUMAN_SLGAN = (
  ('MLE', '2.57'),
  ('SeqGAN', '3.36'),
  ('MaliGAN', '2.79'),
  ('RankGAN', '3.78'),
  ('LeakGAN', '3.96'),
  ('TextGAN', '3.99'),
  ('SLGAN', '4.16'),
)


def _synthetic(length: int) -> list[Row]:
  short = length == 20
  paper = f'RelGAN paper; {_MOEGAN.format(2)}'
  other = '' if short else OTHER_ORACLE
  size = (
    '32-dimensional oracle'
    if short
    else 'the oracle has 64 dimensions here: not comparable with the others'
  )
  inferred = 'size of the oracle not stated, 32 by its protocol'
  names = ('nll_oracle', 'nll_gen', 'nll_gen_sum')
  return [
    _row(
      'real text',
      ('nll_oracle',),
      '5.744' if short else '5.722',
      "recomputed with SeqGAN's oracle",
      "32-dimensional oracle: its own entropy, the samples' target",
    ),
    _row(
      'real text',
      ('nll_oracle',),
      '5.750' if short else '4.071',
      paper,
      size,
      other,
    ),
    *(
      Row(k, {'nll_oracle': a if short else b}, size, paper, other)
      for k, a, b in _COLLECTED
    ),
    _row(
      'RelGAN (beta_max 1)' if short else 'RelGAN (beta_max 2)',
      ('nll_oracle',),
      '6.680±.343' if short else '6.765±.026',
      paper,
      '32-dimensional oracle',
    ),
    *(
      _row(
        label,
        names,
        numbers.split('|')[0 if short else 1],
        # The CCL paper has neither of these two rows.
        _MOEGAN.format(5)
        if label in ('MoEGAN', 'RelGAN, run again')
        else f'{_CCL.format(2)}; {_MOEGAN.format(5)}',
        inferred + (_MISPRINT if label == 'MoEGAN' and not short else ''),
      )
      for label, numbers in _SYNTHETIC.items()
    ),
    *(
      _row(
        label,
        ('nll_oracle', 'nll_test'),
        numbers,
        _FALLING,
        'cooling alone lowers NLL_oracle, at the price of held-out NLL',
        CURVE,
      )
      for label, numbers in _COOLED
      if short
    ),
  ]


_PUBLISHED = {
  'coco': _coco,
  'emnlp': _emnlp,
  'synthetic20': lambda: _synthetic(20),
  'synthetic40': lambda: _synthetic(40),
}


def published(corpus: str) -> list[Row]:
  """The published rows for a corpus; [] where there are none."""
  return _PUBLISHED[corpus]() if corpus in _PUBLISHED else []


def ranked(corpus: str) -> dict[str, list[Row]]:
  """The published rows by their group, the main one ('') first."""
  groups: dict[str, list[Row]] = {}
  for row in published(corpus):
    groups.setdefault(row.group, []).append(row)
  return groups
