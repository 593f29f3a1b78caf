"""Temperature curves as numbers: which area of the plane they dominate.

A generator is a curve, not a point, because a temperature trades quality for
diversity (Caccia et al., Language GANs Falling Short, 2020). The hypervolume
(Zitzler and Thiele, 1998) ranks whole curves: what the points of one dominate,
up to a reference point. References are fixed, so that runs can be compared.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

_SIGNS = {'lower': 1.0, 'higher': -1.0}


class Axes(NamedTuple):
  """Two measures that a temperature trades for each other.

  name: of the pair
  x, y: keys of measures; x tells quality, y diversity
  better: 'lower' or 'higher', of x and y
  reference: the worst corner; a point beyond it adds nothing
  text: what the pair is and why its reference is what it is
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
    Axes(
      'bleu',
      'bleu5',
      'self_bleu5',
      ('higher', 'lower'),
      (0.0, 1.0),
      'BLEU-5 up, Self-BLEU-5 down; reference: the worst of both',
    ),
    Axes(
      'lm',
      'lm_score',
      'reverse_lm_score',
      ('lower', 'lower'),
      (10.0, 10.0),
      'a language model of real text reads samples, and one of samples reads '
      'real text; reference: 10 nats each, a uniform guess among 22,000 words',
    ),
    Axes(
      'kl',
      'kl_qp',
      'kl_pq',
      ('lower', 'lower'),
      (5.0, 5.0),
      'bad samples and missed modes, exactly; reference: 5 nats each',
    ),
    Axes(
      'nll',
      'nll_oracle',
      'nll_test',
      ('lower', 'lower'),
      (10.0, 10.0),
      'samples under the oracle, and held-out text under the model; '
      'reference: 10 nats each',
    ),
  )
}


def hypervolume(
  points: Sequence[Sequence[float]] | np.ndarray,
  reference: Sequence[float],
  better: Sequence[str] = ('lower', 'lower'),
) -> float:
  """The area that points dominate, up to a reference point; exact.

  Args:
    points: [n, 2]; those that are not finite, or not better than the reference
      in both, add nothing.
    reference: [2], the worst corner.
    better: 'lower' or 'higher', for each of the two axes.

  Returns:
    the area in the product of both units; 0 without points.
  """
  signs = np.array([_SIGNS[side] for side in better])
  low = np.asarray(points, np.float64).reshape(-1, 2) * signs
  worst = np.asarray(reference, np.float64) * signs
  low = low[np.isfinite(low).all(axis=1) & (low < worst).all(axis=1)]
  area, floor = 0.0, worst[1]
  # From left to right, each point adds the strip below all those before it.
  for x, y in low[np.lexsort((low[:, 1], low[:, 0]))]:
    if y < floor:
      area += (worst[0] - x) * (floor - y)
      floor = y
  return float(area)


def volumes(curve: Mapping[str, np.ndarray]) -> dict[str, list[float]]:
  """The hypervolume of a curve, for each of PAIRS whose measures it has.

  Args:
    curve: measure -> [temperatures, seeds]

  Returns:
    name of the pair -> one number a seed; plain floats, fit for JSON
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
