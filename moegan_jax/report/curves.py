"""Hypervolumes of temperature curves.

The sampling temperature trades quality for diversity, so a generator is
described by a curve and not by a point (Caccia et al., Language GANs Falling
Short, 2020). The hypervolume (Zitzler and Thiele, 1998) of a curve is the area
that its points dominate, up to a reference point. Reference points are fixed,
so that runs can be compared.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

_SIGNS = {'lower': 1.0, 'higher': -1.0}


class MeasurePair(NamedTuple):
  """A measure of quality and a measure of diversity.

  Attributes:
    name: of the pair.
    x: key of the measure of quality.
    y: key of the measure of diversity.
    better: 'lower' or 'higher', for x and for y.
    reference: the worst corner; points beyond it do not contribute.
    text: description of the pair and of its reference point.
  """

  name: str
  x: str
  y: str
  better: tuple[str, str]
  reference: tuple[float, float]
  text: str


PAIRS = {
  pair.name: pair
  for pair in (
    MeasurePair(
      'bleu',
      'bleu5',
      'self_bleu5',
      ('higher', 'lower'),
      (0.0, 1.0),
      'BLEU-5 (higher is better) and Self-BLEU-5 (lower is better); reference '
      'point: the worst value of both, 0 and 1',
    ),
    MeasurePair(
      'lm',
      'lm_score',
      'reverse_lm_score',
      ('lower', 'lower'),
      (10.0, 10.0),
      'score of samples under a language model trained on real text, and score '
      'of real text under one trained on samples; reference point: 10 nats '
      'each, a uniform guess among 22,000 words',
    ),
    MeasurePair(
      'kl',
      'kl_qp',
      'kl_pq',
      ('lower', 'lower'),
      (5.0, 5.0),
      'KL(q||p), which penalises bad samples, and KL(p||q), which penalises '
      'missed modes; reference point: 5 nats each',
    ),
    MeasurePair(
      'nll',
      'nll_oracle',
      'nll_test',
      ('lower', 'lower'),
      (10.0, 10.0),
      'NLL of samples under the oracle, and NLL of held-out text under the '
      'model; reference point: 10 nats each',
    ),
  )
}


def hypervolume(
  points: Sequence[Sequence[float]] | np.ndarray,
  reference: Sequence[float],
  better: Sequence[str] = ('lower', 'lower'),
) -> float:
  """Computes the area that points dominate, up to a reference point.

  Args:
    points: [n, 2]; points that are not finite, or not better than the
      reference on both axes, do not contribute.
    reference: [2], the worst corner.
    better: 'lower' or 'higher', for each axis.

  Returns:
    The exact area, in the product of both units; 0 without points.
  """
  signs = np.array([_SIGNS[side] for side in better])
  low = np.asarray(points, np.float64).reshape(-1, 2) * signs
  worst = np.asarray(reference, np.float64) * signs
  low = low[np.isfinite(low).all(axis=1) & (low < worst).all(axis=1)]
  area, floor = 0.0, worst[1]
  # From left to right, each point adds the strip below all previous points.
  for x, y in low[np.lexsort((low[:, 1], low[:, 0]))]:
    if y < floor:
      area += (worst[0] - x) * (floor - y)
      floor = y
  return float(area)


def volumes(curve: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
  """Computes the hypervolumes of a temperature curve.

  Args:
    curve: measure -> [temperatures, seeds].

  Returns:
    Name of a pair -> one area per seed, for each of `PAIRS` whose measures are
    present. Plain floats, so that JSON can hold them.
  """
  found = {}
  for name, pair in PAIRS.items():
    if pair.x in curve and pair.y in curve:
      both = np.stack([curve[pair.x], curve[pair.y]], axis=-1)  # [t, seeds, 2]
      found[name] = [
        hypervolume(both[:, seed], pair.reference, pair.better)
        for seed in range(both.shape[1])
      ]
  return found
