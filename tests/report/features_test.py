"""Mixing and t-SNE embeddings of features."""

import numpy as np
import pytest

from moegan_jax.report.features import embed, mixing
from moegan_jax.report.finished import Features


def naive(real, fake, k):
  """Computes `mixing` from its definition, point by point."""
  both = np.concatenate([real, fake])
  owner = [0] * len(real) + [1] * len(fake)
  shares = ([], [])
  for i, point in enumerate(both):
    others = [j for j in range(len(both)) if j != i]
    others.sort(key=lambda j: np.linalg.norm(both[j] - point))
    shares[owner[i]].append(np.mean([owner[j] != owner[i] for j in others[:k]]))
  return min(map(np.mean, shares))


def test_mixing_equals_its_definition():
  rng = np.random.RandomState(0)
  real = 100 + rng.standard_normal((30, 3))
  fake = 100.7 + rng.standard_normal((40, 3))
  assert mixing(real, fake, 5) == pytest.approx(naive(real, fake, 5))


def test_mixing_of_equal_separated_and_clustered_sets():
  rng = np.random.RandomState(0)
  real = rng.standard_normal((400, 10))
  assert mixing(real, rng.standard_normal((400, 10))) > 0.45
  assert mixing(real, rng.standard_normal((400, 10)) + 9) == 0
  # A cluster inside of the other set; an average over both sets gives 0.5.
  assert mixing(real, 0.1 * rng.standard_normal((400, 10))) < 0.01


def test_embedding_is_seeded_and_balanced():
  rng = np.random.RandomState(0)
  sets = Features(rng.standard_normal((40, 6)), rng.standard_normal((30, 6)))
  one, two = embed(sets), embed(sets)
  assert one.real.shape == one.fake.shape == (30, 2)
  np.testing.assert_array_equal(one.real, two.real)
  assert one.mixing == mixing(sets.real[:30], sets.fake)


@pytest.mark.parametrize(
  'sets',
  [
    None,
    Features(np.zeros((5, 3)), np.ones((50, 3))),  # too few
    Features(np.ones((20, 3)), np.ones((20, 3))),  # all equal
    Features(np.zeros((20, 1)), np.ones((20, 1))),
  ],
)
def test_embed_returns_none(sets):
  assert embed(sets) is None
