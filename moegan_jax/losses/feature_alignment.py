"""Feature statistics alignment (FSA), the batch-level loss of MoEGAN."""

import jax

from moegan_jax.errors import unknown
from moegan_jax.losses.matching import wasserstein_alignment
from moegan_jax.ops import distances

Array = jax.Array

DISTANCES = ('centroid', 'wasserstein')


def feature_alignment(
  real_features: Array,
  fake_features: Array,
  reduce: str = 'joint',
  distance: str = 'centroid',
) -> Array:
  """Returns the distance between the features of generated and real text.

  Args:
    real_features: [B, S, F], features of the frozen discriminator
    fake_features: [B', S, F], likewise
    reduce: 'joint' takes one centroid over batch and representations; 'per_rep'
      takes a centroid per representation and averages the S distances
    distance: 'centroid' is Eq 6; 'wasserstein' compares the whole batches, see
      `matching.wasserstein_alignment`

  Returns:
    A scalar in the unit of the features. 'centroid' is zero where the centroids
    are equal.

  Raises:
    UserError: an unknown reduction or distance.

  MoEGAN Eq 6: the Euclidean distance of the two centroids, added to the loss of
  the generator with weight 1.
  """
  if reduce not in distances.CENTROID_DISTANCES:
    raise unknown('fsa.reduce', reduce, distances.CENTROID_DISTANCES)
  if distance not in DISTANCES:
    raise unknown('fsa.distance', distance, DISTANCES)
  if distance == 'wasserstein':
    return wasserstein_alignment(real_features, fake_features, reduce)
  # Real text is a constant target, also if a caller differentiates in the
  # parameters of the discriminator.
  target = jax.lax.stop_gradient(real_features)
  return distances.CENTROID_DISTANCES[reduce](target, fake_features)
