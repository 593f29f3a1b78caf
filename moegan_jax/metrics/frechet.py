"""Frechet distance between sets of sentences, in features of an encoder.

The distance is that of FID (Heusel et al., 2017) and of FED in ScratchGAN (de
Masson d'Autume et al., 2019). FED uses the Universal Sentence Encoder. This
package ships no weights, so the encoder of `frechet_lm` is a language model
fitted to the training text. Its scale differs from FED and depends on the
language model: compare values of one table only. `frechet_distance` accepts
the features of any other encoder.

Estimates from finite samples are biased upwards, more so for few sentences and
wide features; two halves of one text have a positive distance. Both sides
therefore have the same number of sentences, and all rows of a comparison must
have the same number, including the row of real text.
"""

import numpy as np

from moegan_jax.metrics.measure import Measure, Metric, Texts

MIN_SENTENCES = 20


def frechet_distance(features_a: np.ndarray, features_b: np.ndarray) -> float:
  """Computes the Frechet distance of two sets of features.

  It is |mu - mu'|^2 + tr(S + S' - 2 (S S')^(1/2)), the squared Wasserstein-2
  distance of two Gaussians (Dowson & Landau, 1982) with the means and the
  covariances (divided by n - 1) of the features. It is exact for singular
  covariances, too, such as those of fewer rows than columns.

  Args:
    features_a: [n, F], at least two rows.
    features_b: [m, F], at least two rows.

  Returns:
    A number of at least 0, in squared units of the features.

  Raises:
    ValueError: the shapes differ from these, or values are not finite.
  """
  a, b = (np.asarray(x, np.float64) for x in (features_a, features_b))
  if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
    raise ValueError(
      f'features must be [n, F] and [m, F], not {a.shape} and {b.shape}'
    )
  if min(len(a), len(b)) < 2:
    raise ValueError('a covariance needs at least two rows')
  if not (np.isfinite(a).all() and np.isfinite(b).all()):
    raise ValueError('the features have values that are not finite')
  covariances = [np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b)]
  one, two = map(_root, covariances)
  # The singular values of S^(1/2) S'^(1/2) are the roots of the eigenvalues of
  # S S'. Taking the roots of small eigenvalues would lose half of the digits.
  fidelity = np.linalg.svd(one @ two, compute_uv=False).sum()
  spread = sum(map(np.trace, covariances)) - 2 * fidelity
  return float(max(np.sum((a.mean(0) - b.mean(0)) ** 2) + spread, 0.0))


def _root(matrix: np.ndarray) -> np.ndarray:
  """Computes the square root of a positive semidefinite matrix."""
  values, vectors = np.linalg.eigh(matrix)
  return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def _frechet_lm(texts: Texts) -> dict[str, float]:
  n = min(len(texts.samples), len(texts.references))
  if n < MIN_SENTENCES:
    return {}
  encode = texts.language_model(texts.train or texts.references).features
  samples, references = texts.samples[:n], texts.references[:n]
  return {'frechet_lm': frechet_distance(encode(samples), encode(references))}


FRECHET = Measure(
  {
    'frechet_lm': Metric(
      'Frechet LM',
      'lower',
      'Frechet distance to real text in features of a language model of real '
      'text; its scale differs from FED',
      'both',
    )
  },
  _frechet_lm,
  needs=('references', 'fit_lm'),
)
