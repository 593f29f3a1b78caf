"""Hypervolumes: Monte Carlo estimates, manual values and edge cases."""

import json

import numpy as np
import pytest

from moegan_jax.metrics import METRICS
from moegan_jax.report.curves import PAIRS, hypervolume, volumes


def counted(points, reference, better, low, high, n=200_000):
  """Estimates the dominated area of a box from random points."""
  rng = np.random.RandomState(0)
  thrown = rng.uniform(low, high, (n, 2))
  inside = np.zeros(n, bool)
  for point in points:
    ok = np.ones(n, bool)
    for axis, side in enumerate(better):
      value, worst = point[axis], reference[axis]
      x = thrown[:, axis]
      ok &= (
        (value <= x) & (x <= worst)
        if side == 'lower'
        else (worst <= x) & (x <= value)
      )
    inside |= ok
  return inside.mean() * np.prod(np.subtract(high, low))


@pytest.mark.parametrize(
  'better', [(a, b) for a in ('lower', 'higher') for b in ('lower', 'higher')]
)
def test_hypervolume_equals_monte_carlo(better):
  points = np.random.RandomState(1).uniform(-0.2, 1.2, (12, 2))
  reference = [0.9 if side == 'lower' else 0.1 for side in better]
  exact = hypervolume(points, reference, better)
  brute = counted(points, reference, better, (-0.2, -0.2), (1.2, 1.2))
  assert exact == pytest.approx(brute, abs=0.01)
  assert exact > 0.05


def test_hypervolume_equals_manual_values():
  staircase = [(1, 3), (2, 1), (2, 1), (3, 2), (9, 0)]
  assert hypervolume(staircase, (4, 4)) == 3 * 1 + 2 * 2
  assert hypervolume(staircase[::-1], (4, 4)) == 7
  assert hypervolume([(0.25, 0.5)], (0, 1), ('higher', 'lower')) == 0.125
  assert hypervolume([], (1, 1)) == 0
  assert hypervolume([(1, 0), (np.nan, 0), (-np.inf, 0)], (1, 1)) == 0


def test_dominating_curve_has_larger_hypervolume():
  worse = np.array([[2.0, 4.0], [3.0, 3.0], [4.0, 2.5]])
  for shift in (0.1, 1.0):
    assert hypervolume(worse - shift, (5, 5)) > hypervolume(worse, (5, 5))


def test_pairs_refer_to_metrics():
  for name, pair in PAIRS.items():
    assert pair.name == name and pair.text
    assert {pair.x, pair.y} <= set(METRICS)
    for key, side in zip((pair.x, pair.y), pair.better):
      assert METRICS[key].better in (side, 'real')


def test_volumes_are_per_seed_and_json_serialisable():
  curve = {
    'bleu5': np.array([[0.2, 0.4], [0.1, 0.1]]),
    'self_bleu5': np.array([[0.5, 0.5], [0.1, 1.0]]),
    'kl_pq': np.array([[1.0, 1.0], [2.0, 2.0]]),
  }
  found = json.loads(json.dumps(volumes(curve)))
  assert set(found) == {'bleu'}
  assert found['bleu'] == pytest.approx([0.1 * 0.5 + 0.1 * 0.9, 0.4 * 0.5])
