"""The Frechet distance between sets of sentences, in features of an encoder.

As in FID (Heusel et al. 2017), and in FED of ScratchGAN (de Masson d'Autume
et al. 2019), whose encoder is the Universal Sentence Encoder. No weights can
ship with this package, so the column `frechet_lm` has an encoder of its own: a
language model that was fitted to the training text. Its scale is not that of
FED, and it changes with the language model; compare within one table only. For
any other encoder, give its features to `frechet_distance`.

From finite samples the distance is too large, the more so the fewer sentences
there are for the width of the features, and it is above zero for two halves of
the same text. So both sides have the same number of sentences here, and a
comparison needs the same number in every row, the row of real text included.
"""

import numpy as np

from moegan_jax.metrics.measure import Measure, Metric, Texts

MIN_SENTENCES = 20


def frechet_distance(features_a: np.ndarray, features_b: np.ndarray) -> float:
  """|mu - mu'|^2 + tr(S + S' - 2 (S S')^(1/2)), without a root of the total.

  The squared Wasserstein-2 distance of two Gaussians with the means and the
  covariances (divided by n - 1) of the features (Dowson & Landau 1982). Exact
  for singular covariances, too, such as those of fewer rows than columns.

  Args:
    features_a: [n, F], two rows or more.
    features_b: [m, F].

  Returns:
    A number of at least 0, in squared units of the features.

  Raises:
    ValueError: other shapes, or values that are not finite.
  """
  a, b = (np.asarray(x, np.float64) for x in (features_a, features_b))
  if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[1]:
    raise ValueError(
      f'features must be [n, F] and [m, F], not {a.shape} and {b.shape}'
    )
  if min(len(a), len(b)) < 2:
    raise ValueError('a covariance needs two rows or more')
  if not (np.isfinite(a).all() and np.isfinite(b).all()):
    raise ValueError('the features have values that are not finite')
  covariances = [np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b)]
  one, two = map(_root, covariances)
  # The eigenvalues of S S' are the squared singular values of the product of
  # the roots. Roots of its small eigenvalues would lose half of the digits.
  fidelity = np.linalg.svd(one @ two, compute_uv=False).sum()
  spread = sum(map(np.trace, covariances)) - 2 * fidelity
  return float(max(np.sum((a.mean(0) - b.mean(0)) ** 2) + spread, 0.0))


def _root(matrix: np.ndarray) -> np.ndarray:
  """The square root of a symmetric positive semidefinite matrix."""
  values, vectors = np.linalg.eigh(matrix)
  return (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def _frechet_lm(texts: Texts) -> dict[str, float]:
  n = min(len(texts.samples), len(texts.references))
  if n < MIN_SENTENCES:
    return {}
  encode = texts.fit_lm(texts.train or texts.references).features
  samples, references = texts.samples[:n], texts.references[:n]
  return {'frechet_lm': frechet_distance(encode(samples), encode(references))}


FRECHET = Measure(
  {
    'frechet_lm': Metric(
      'Frechet LM',
      'lower',
      'Frechet distance to real text in features of a language model of real '
      'text; its scale is not that of FED',
      'both',
    )
  },
  _frechet_lm,
  needs=('references', 'fit_lm'),
)
