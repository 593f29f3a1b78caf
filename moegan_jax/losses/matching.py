"""Losses that compare two samples of features, in place of a classifier.

All of them take the features of real text [B, S, F] and of generated text
[B', S, F]. The S representations of a sentence are so many samples, as in
`ops.distances.joint_centroid_distance`, unless said otherwise.
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
  """[B, S, F] -> [B S, F]."""
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
  """The feature mover's distance of FM-GAN (Chen et al. 2018).

  The least cost of moving the features of generated text to those of real
  text, with the cost 1 - cos, which is to say that features are normalised to
  unit length first. G minimises it and D's features maximise it; no gradient
  is stopped but that of the plan.

  The published code has 'ipot' with epsilon 10 and 50 iterations, and trains
  with 'sinkhorn-divergence', epsilon 1 and 40 iterations. 'sinkhorn' alone is
  not zero at equality.

  Args:
    real: [B, S, F]
    fake: [B', S, F]
    solver: 'ipot' or 'sinkhorn', the plan in sum(plan * cost), or
      'sinkhorn-divergence' for `transport.sinkhorn_divergence`
    epsilon: the strength of the regularisation, of 'ipot' its beta
    iterations: of the solver
    through_plan: differentiate the plan as well

  Returns:
    A scalar.

  Raises:
    UserError: an unknown solver, an epsilon that is not positive, or less
      than one iteration.
  """
  check_mover(solver, epsilon, iterations)
  x, y = _checked(real, fake)
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
  """Refuses settings that `feature_movers_distance` cannot work with.

  Raises:
    UserError: an unknown solver, an epsilon that is not positive, or less
      than one iteration.
  """
  if solver not in MOVERS:
    raise unknown('transport.solver', solver, MOVERS)
  _check_numbers(epsilon=epsilon, iterations=iterations)


def maximum_mean_discrepancy(
  real: Array,
  fake: Array,
  bandwidths: tuple[float, ...],
  squared: bool = True,
) -> Array:
  """The kernel distance of TextGAN (Zhang et al. 2017).

  G minimises it and D's features maximise it; no gradient is stopped. The
  paper's loss is the square, the default; its published code takes the root,
  whose gradient does not fade as the samples meet.

  Args:
    real: [B, S, F]
    fake: [B', S, F]
    bandwidths: of the Gaussian kernels, which are averaged; the paper has one
    squared: give the square; else the root

  Returns:
    A scalar.

  Raises:
    UserError: no bandwidth, or one that is not positive.
  """
  distance = kernels.mmd_squared if squared else kernels.mmd
  return distance(*_checked(real, fake), bandwidths)


def wasserstein_alignment(
  real: Array,
  fake: Array,
  reduce: str = 'joint',
  relative_epsilon: float = 0.02,
  iterations: int = 100,
) -> Array:
  """A Wasserstein distance in place of Delta_F in MoEGAN's Eq 6.

  The paper found it worse (appendix B, Fig 6) and does not say how it computed
  it. Here it is the Wasserstein-1 distance of the batches with Euclidean costs:
  the cost of the plan of entropic transport with epsilon = relative_epsilon
  times the mean cost, so that no unit of the features matters. With the
  defaults it is a few percent above the exact distance. Neither is small for
  two batches of one distribution in many dimensions.

  Real text is the target, a constant, as in `feature_alignment`.

  Args:
    real: [B, S, F]
    fake: [B', S, F]
    reduce: 'joint', all representations in one sample, or 'per_rep', the mean
      of the S distances
    relative_epsilon: positive
    iterations: of Sinkhorn's algorithm, at least 1

  Returns:
    A scalar.

  Raises:
    UserError: an unknown reduction, or a number out of range.
  """
  if reduce not in REDUCTIONS:
    raise unknown('reduce', reduce, REDUCTIONS)
  _check_numbers(relative_epsilon=relative_epsilon, iterations=iterations)
  target = jax.lax.stop_gradient(real)
  x, y = _checked(target, fake)
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
    # Where all points are one the costs are zero, and any plan will do.
    mean = jnp.maximum(jnp.mean(cost), jnp.finfo(cost.dtype).tiny)
    return transport.sinkhorn(cost / mean, relative_epsilon, iterations)

  return transport.solved_distance(transport.euclidean_cost(x, y), solver)


def _checked(real: Array, fake: Array) -> tuple[Array, Array]:
  chex.assert_rank([real, fake], 3)
  chex.assert_equal_shape_suffix([real, fake], 2)
  return _samples(real), _samples(fake)


def _check_numbers(*, iterations: int, **positive: float) -> None:
  if iterations < 1:
    raise UserError(f'iterations={iterations} must be at least 1')
  for name, value in positive.items():
    if not traced(value) and not 0 < value < float('inf'):
      raise UserError(f'{name}={value} must be a positive number')
