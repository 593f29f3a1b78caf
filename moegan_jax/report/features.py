"""The discriminator's features of real and generated text, in the plane."""

from typing import NamedTuple

import numpy as np

from moegan_jax.report.runs import Features

NEIGHBOURS = 10
POINTS = 1000  # of each set of features
MIN_POINTS = 10


class Cloud(NamedTuple):
  """Features in the plane.

  real, fake: [n, 2]
  mixing: see `mixing`
  """

  real: np.ndarray
  fake: np.ndarray
  mixing: float


def cloud(features: Features | None, seed: int = 0) -> Cloud | None:
  """t-SNE (van der Maaten and Hinton, 2008) of features, as MoEGAN's Fig 4.

  Equal numbers of rows of each set, at most POINTS; begins at the principal
  components. None if there are too few rows, or they do not differ at all.
  """
  if features is None:
    return None
  n = min(len(features.real), len(features.fake), POINTS)
  if n < MIN_POINTS:
    return None
  parts = features.real[:n], features.fake[:n]
  both = np.concatenate(parts)
  if both.shape[1] < 2 or not np.ptp(both, axis=0).any():
    return None
  from sklearn.manifold import TSNE
  from threadpoolctl import threadpool_limits

  embedding = TSNE(
    init='pca',
    perplexity=min(30.0, (len(both) - 1) / 3),
    max_iter=500,  # half the default: from principal components it is enough
    random_state=seed,
  )
  # Its threads wait for each other by spinning: four times slower than one
  # thread where anything else runs on the machine.
  with threadpool_limits(1):
    plane = embedding.fit_transform(both)
  return Cloud(plane[:n], plane[n:], mixing(*parts))


def mixing(
  real: np.ndarray, fake: np.ndarray, neighbours: int = NEIGHBOURS
) -> float:
  """How far two sets of points lie among each other.

  The share of nearest neighbours that come from the other set, averaged over
  the points of each set by itself; then the smaller of the two. 0 if the sets
  are apart, or one is a clump within the other (whose points then have
  neighbours of the clump only); about .5 if they are alike and of one size.

  Args:
    real: [n, F]
    fake: [m, F]
    neighbours: of each point, itself not counted
  """
  both = np.concatenate([real, fake]).astype(np.float64)
  both -= both.mean(axis=0)  # large offsets would cost digits below
  is_fake = np.arange(len(both)) >= len(real)
  square = (both**2).sum(axis=1)
  distance = square[:, None] + square[None, :] - 2 * both @ both.T
  np.fill_diagonal(distance, np.inf)
  k = min(neighbours, len(both) - 1)
  near = np.argpartition(distance, k - 1, axis=1)[:, :k]
  other = (is_fake[near] != is_fake[:, None]).mean(axis=1)
  return float(min(other[is_fake].mean(), other[~is_fake].mean()))
