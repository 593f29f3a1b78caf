"""t-SNE embeddings of discriminator features, and how well two sets mix."""

from typing import NamedTuple

import numpy as np

from moegan_jax.report.finished import Features

NEIGHBOURS = 10
MAX_POINTS = 1000  # of each set of features
MIN_POINTS = 10


class Embedding(NamedTuple):
  """Features embedded in two dimensions.

  Attributes:
    real: [n, 2], real sentences.
    fake: [n, 2], generated sentences.
    mixing: of the original features; see `mixing`.
  """

  real: np.ndarray
  fake: np.ndarray
  mixing: float


def embed(features: Features | None, seed: int = 0) -> Embedding | None:
  """Embeds features by t-SNE (van der Maaten and Hinton, 2008).

  Figure 4 of the MoEGAN paper shows such an embedding. Both sets are cut to
  the same number of rows, at most `MAX_POINTS`. The embedding starts from the
  principal components.

  Args:
    features: real [n, F] and fake [m, F], or None.
    seed: of t-SNE.

  Returns:
    The embedding; None without features, with fewer than `MIN_POINTS` rows,
    with F < 2, or if all rows are equal.
  """
  if features is None:
    return None
  n = min(len(features.real), len(features.fake), MAX_POINTS)
  if n < MIN_POINTS:
    return None
  parts = features.real[:n], features.fake[:n]
  both = np.concatenate(parts)
  if both.shape[1] < 2 or not np.ptp(both, axis=0).any():
    return None
  from sklearn.manifold import TSNE
  from threadpoolctl import threadpool_limits

  tsne = TSNE(
    init='pca',
    perplexity=min(30.0, (len(both) - 1) / 3),
    max_iter=500,  # half the default; enough when started from PCA
    random_state=seed,
  )
  # OpenMP threads spin while they wait for each other. On a busy machine, four
  # threads are four times slower than one.
  with threadpool_limits(1):
    plane = tsne.fit_transform(both)
  return Embedding(plane[:n], plane[n:], mixing(*parts))


def mixing(
  real: np.ndarray, fake: np.ndarray, neighbours: int = NEIGHBOURS
) -> float:
  """Computes how well two sets of points mix.

  For each set, averages the share of nearest neighbours that come from the
  other set; the smaller of the two averages is returned. The minimum detects a
  dense cluster inside of the other set: the neighbours of its points all lie
  within the cluster.

  Args:
    real: [n, F].
    fake: [m, F].
    neighbours: number of neighbours of each point, excluding itself.

  Returns:
    0 if the sets are separated or one is clustered; about 0.5 if both have the
    same distribution and size.
  """
  both = np.concatenate([real, fake]).astype(np.float64)
  both -= both.mean(axis=0)  # a large offset would cost precision below
  is_fake = np.arange(len(both)) >= len(real)
  square = (both**2).sum(axis=1)
  distance = square[:, None] + square[None, :] - 2 * both @ both.T
  np.fill_diagonal(distance, np.inf)
  k = min(neighbours, len(both) - 1)
  near = np.argpartition(distance, k - 1, axis=1)[:, :k]
  other = (is_fake[near] != is_fake[:, None]).mean(axis=1)
  return float(min(other[is_fake].mean(), other[~is_fake].mean()))
