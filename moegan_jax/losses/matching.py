"""Losses that compare two samples of features without a classifier.

All of them take features of real text [B, S, F] and of generated text
[B', S, F]. The S representations of a sentence count as S samples, as in
`ops.distances.joint_centroid_distance`, unless stated otherwise.
"""

from functools import partial

import chex
import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError, unknown
from moegan_jax.ops import distances, kernels, transport
from moegan_jax.ops.arrays import traced

Array = jax.Array

_DIVERGENCE = 'sinkhorn-divergence'
MOVERS = (*transport.SOLVERS, _DIVERGENCE)
REDUCTIONS = tuple(distances.CENTROID_DISTANCES)


def _samples(features: Array) -> Array:
  """Flattens [B, S, F] to [B S, F]."""
  return features.reshape(-1, features.shape[-1])


def feature_movers_distance(
  real: Array,
  fake: Array,
  *,
  solver: str,
  epsilon: float,
  iterations: int,
  through_plan: bool = False,
) -> Array:
  """Returns the feature mover's distance of FM-GAN (Chen et al. 2018).

  Args:
    real: [B, S, F]
    fake: [B', S, F]
    solver: 'ipot' or 'sinkhorn' for the plan in sum(plan * cost), or
      'sinkhorn-divergence' for `transport.sinkhorn_divergence`
    epsilon: strength of the regularisation; beta of 'ipot'
    iterations: iterations of the solver
    through_plan: whether to differentiate the plan as well

  Returns:
    A scalar; the cost 1 - cos has no unit.

  Raises:
    UserError: an unknown solver, an epsilon that is not positive, or less than
      one iteration.

  The distance is the least cost of moving the features of generated text to
  those of real text. The cost 1 - cos implies that features are normalised to
  unit length. G minimises the distance and the features of D maximise it. The
  plan is a constant of the gradient unless `through_plan`.

  The published code has 'ipot' with epsilon 10 and 50 iterations, but its
  training script calls 'sinkhorn-divergence', epsilon 1 and 40 iterations.
  'sinkhorn' alone is not zero at equality.
  """
  check_mover(solver, epsilon, iterations)
  x, y = _check_and_flatten(real, fake)
  if solver == _DIVERGENCE:
    return transport.sinkhorn_divergence(
      x, y, transport.cosine_cost, epsilon, iterations, through_plan
    )
  return transport.solved_distance(
    transport.cosine_cost(x, y),
    lambda cost: transport.SOLVERS[solver](cost, epsilon, iterations),
    through_plan,
  )


def check_mover(solver: str, epsilon: float, iterations: int) -> None:
  """Checks the settings of `feature_movers_distance`.

  Raises:
    UserError: an unknown solver, an epsilon that is not positive, or less than
      one iteration.
  """
  if solver not in MOVERS:
    raise unknown('transport.solver', solver, MOVERS)
  _check_numbers('transport.', epsilon=epsilon, iterations=iterations)


def maximum_mean_discrepancy(
  real: Array,
  fake: Array,
  bandwidths: tuple[float, ...],
  squared: bool = True,
) -> Array:
  """Returns the kernel distance of TextGAN (Zhang et al. 2017).

  Args:
    real: [B, S, F]
    fake: [B', S, F]
    bandwidths: of the Gaussian kernels, which are averaged, in the unit of the
      features; the paper uses one
    squared: whether to return the square instead of the root

  Returns:
    A scalar.

  Raises:
    UserError: there is no bandwidth, or one is not positive and finite.

  G minimises it and the features of D maximise it. No gradient is stopped. The
  loss of the paper is the square, the default. Its published code takes the
  root, whose gradient does not vanish as the samples become equal.
  """
  distance = kernels.mmd_squared if squared else kernels.mmd
  return distance(*_check_and_flatten(real, fake), bandwidths)


def wasserstein_alignment(
  real: Array,
  fake: Array,
  reduce: str = 'joint',
  relative_epsilon: float = 0.02,
  iterations: int = 100,
) -> Array:
  """Returns a Wasserstein distance that replaces Delta_F in MoEGAN Eq 6.

  Args:
    real: [B, S, F]
    fake: [B', S, F]
    reduce: 'joint' puts all representations in one sample; 'per_rep' averages
      the S distances
    relative_epsilon: regularisation as a multiple of the mean cost; positive
    iterations: Sinkhorn iterations, at least 1

  Returns:
    A scalar in the unit of the features.

  Raises:
    UserError: an unknown reduction, or a number out of range.

  The paper reports that it performs worse (appendix B, Fig 6) and does not say
  how it was computed. Here it is the Wasserstein-1 distance of the batches with
  Euclidean costs, computed by entropic transport. Scaling epsilon by the mean
  cost makes it independent of the unit of the features. With the defaults the
  result is a few percent above the exact distance. In many dimensions even two
  batches of the same distribution have a large distance.

  Real text is a constant target, as in `feature_alignment`.
  """
  if reduce not in REDUCTIONS:
    raise unknown('fsa.reduce', reduce, REDUCTIONS)
  _check_numbers('', relative_epsilon=relative_epsilon, iterations=iterations)
  target = jax.lax.stop_gradient(real)
  x, y = _check_and_flatten(target, fake)
  distance = partial(
    _wasserstein, relative_epsilon=relative_epsilon, iterations=iterations
  )
  if reduce == 'joint':
    return distance(x, y)
  return jnp.mean(jax.vmap(distance, in_axes=1)(target, fake))


def _wasserstein(
  x: Array, y: Array, *, relative_epsilon: float, iterations: int
) -> Array:
  def solver(cost: Array) -> Array:
    # Costs are all zero if all points are equal; every plan is then optimal.
    mean = jnp.maximum(jnp.mean(cost), jnp.finfo(cost.dtype).tiny)
    return transport.sinkhorn(cost / mean, relative_epsilon, iterations)

  return transport.solved_distance(transport.euclidean_cost(x, y), solver)


def _check_and_flatten(real: Array, fake: Array) -> tuple[Array, Array]:
  """Checks the shapes and flattens both samples to [B S, F]."""
  chex.assert_rank([real, fake], 3)
  chex.assert_equal_shape_suffix([real, fake], 2)
  return _samples(real), _samples(fake)


def _check_numbers(section: str, *, iterations: int, **positive: float) -> None:
  if iterations < 1:
    raise UserError(f'{section}iterations={iterations} must be at least 1')
  for name, value in positive.items():
    if not traced(value) and not 0 < value < float('inf'):
      raise UserError(f'{section}{name}={value} must be a positive number')
