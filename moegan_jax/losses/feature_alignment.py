"""Feature statistics alignment (FSA), the batch-level loss of MoEGAN."""

import jax

from moegan_jax.errors import UserError, unknown
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
  """Pulls the mean features of generated text to those of real text.

  Added to the generator's loss with weight 1: MoEGAN Eq 6, the Euclidean
  distance of the two centroids, with the features of the frozen discriminator.

  Args:
    real_features: [B, S, F]
    fake_features: [B', S, F]
    reduce: 'joint', one centroid over batch and representations, or 'per_rep',
      a centroid for each representation and the mean of the S distances.
    distance: 'centroid' is Eq 6; 'wasserstein' compares the batches and not
      their centroids only, see `matching.wasserstein_alignment`.

  Returns:
    A scalar; of 'centroid' zero where the centroids agree.

  Raises:
    UserError: on an unknown reduction or distance.
  """
  if reduce not in distances.CENTROID_DISTANCES:
    raise UserError(
      f'reduction of feature alignment {reduce!r} is unknown; choose one of '
      + ', '.join(distances.CENTROID_DISTANCES)
    )
  if distance not in DISTANCES:
    raise unknown('distance', distance, DISTANCES)
  if distance == 'wasserstein':
    return wasserstein_alignment(real_features, fake_features, reduce)
  # Real text is the target: Eq 6 reaches the generator through x_f alone. With
  # a gradient here the features of real text could move to meet the fakes.
  target = jax.lax.stop_gradient(real_features)
  return distances.CENTROID_DISTANCES[reduce](target, fake_features)
