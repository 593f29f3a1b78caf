"""Feature statistics alignment (FSA), the batch-level loss of MoEGAN."""

import jax

from moegan_jax.errors import UserError
from moegan_jax.ops import distances

Array = jax.Array


def feature_alignment(
  real_features: Array, fake_features: Array, reduce: str = 'joint'
) -> Array:
  """Pulls the mean features of generated text to those of real text.

  Added to the generator's loss with weight 1: MoEGAN Eq 6, the Euclidean
  distance of the two centroids, with the features of the frozen discriminator.

  Args:
    real_features: [B, S, F]
    fake_features: [B', S, F]
    reduce: 'joint', one centroid over batch and representations, or 'per_rep',
      a centroid for each representation and the mean of the S distances.

  Returns:
    A scalar, zero where the centroids agree.

  Raises:
    UserError: on an unknown reduction.
  """
  if reduce not in distances.CENTROID_DISTANCES:
    raise UserError(
      f'reduction of feature alignment {reduce!r} is unknown; choose one of '
      + ', '.join(distances.CENTROID_DISTANCES)
    )
  # Real text is the target: Eq 6 reaches the generator through x_f alone. With
  # a gradient here the features of real text could move to meet the fakes.
  target = jax.lax.stop_gradient(real_features)
  return distances.CENTROID_DISTANCES[reduce](target, fake_features)
