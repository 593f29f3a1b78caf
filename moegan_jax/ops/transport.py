"""Optimal transport between two samples of equal weights.

A cost matrix is [n, m]. The marginals are uniform: every row of a plan sums to
1 / n and every column to 1 / m. Both solvers scale the columns last, so the
column sums are exact and the row sums converge with the iterations.

Multiplicative updates use logarithms, because exp(-cost / epsilon) underflows
in float32 where a cost exceeds 88 epsilon.
"""

import math
from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp
from jax.nn import logsumexp

from moegan_jax.ops.distances import cosines
from moegan_jax.ops.kernels import squared_distances

Array = jax.Array


def cosine_cost(x: Array, y: Array, eps: float = 1e-8) -> Array:
  """Returns the cost 1 - cos(x_i, y_j) for all pairs.

  Args:
    x: [n, F]
    y: [m, F]
    eps: lower bound of the squared length by which vectors are normalised

  Returns:
    [n, m] in [0, 2]. At a zero vector the cosine is zero and its gradient is
    finite.
  """
  # Full precision on all platforms, because 1 - cos cancels digits.
  return 1 - cosines(x, y, eps, precision='highest')


def euclidean_cost(x: Array, y: Array, eps: float = 1e-8) -> Array:
  """Returns the cost || x_i - y_j ||_2 for all pairs.

  Args:
    x: [n, F]
    y: [m, F]
    eps: squared length below which the norm is smoothed to a parabola

  Returns:
    [n, m] in the unit of x.

  It computes sqrt(d^2 + eps) - sqrt(eps), as in `distances.centroid_distance`.
  Value and gradient are zero at equality.
  """
  squared = squared_distances(x, y)
  return squared / (jnp.sqrt(squared + eps) + eps**0.5)


def ipot(
  cost: Array, beta: Array | float, iterations: int, inner: int = 1
) -> Array:
  """Returns a plan by inexact proximal point iterations (Xie et al. 2018).

  Args:
    cost: [n, m]
    beta: positive, in the unit of the cost
    iterations: number of proximal steps, at least 1
    inner: scalings per step, at least 1

  Returns:
    The plan, [n, m].

  Algorithm 1 of the paper. Step t minimises the transport cost plus beta times
  the divergence from the plan of step t - 1, by `inner` scalings of
  Q = exp(-cost / beta) * plan:

      a = 1 / (n Q b),  b = 1 / (m Q^T a),  plan = diag(a) Q diag(b).

  Unlike entropic transport it converges to an optimal plan for every beta. With
  one scaling per step, t steps are about as sharp as entropic transport with
  epsilon = beta / t. A smaller beta converges faster, until the row sums fall
  behind and need more scalings or more steps to return to 1 / n.

  FM-GAN (Chen et al. 2018) uses it with beta = 10 and 50 iterations in its
  published code. That code multiplies by Q instead of Q^T in the second
  scaling, which gives a different result unless Q is symmetric.
  """
  chex.assert_rank(cost, 2)
  log_n, log_m = (math.log(size) for size in cost.shape)

  def step(_, carry):
    log_plan, log_b = carry
    log_q = log_plan - cost / beta

    def scale(_, logs):
      _, log_b = logs
      log_a = -log_n - logsumexp(log_q + log_b[None], axis=1)
      log_b = -log_m - logsumexp(log_q + log_a[:, None], axis=0)
      return log_a, log_b

    start = jnp.zeros_like(cost[:, 0]), log_b
    log_a, log_b = jax.lax.fori_loop(0, inner, scale, start)
    return log_a[:, None] + log_q + log_b[None], log_b

  # Starts from a plan of ones, since the scalings remove any constant factor.
  start = jnp.zeros_like(cost), jnp.full_like(cost[0], -log_m)
  log_plan, _ = jax.lax.fori_loop(0, iterations, step, start)
  return jnp.exp(log_plan)


def sinkhorn(cost: Array, epsilon: Array | float, iterations: int) -> Array:
  """Returns the plan of entropic transport, by Sinkhorn iterations.

  Args:
    cost: [n, m]
    epsilon: positive, in the unit of the cost
    iterations: at least 1; a smaller epsilon needs more of them

  Returns:
    The plan, [n, m].

  The plan minimises sum(plan * cost) - epsilon * entropy(plan) (Cuturi 2013).
  It has the form exp((f_i + g_j - cost_ij) / epsilon). An iteration sets f so
  that the rows have the right sums, and then g for the columns.
  """
  chex.assert_rank(cost, 2)
  log_n, log_m = (math.log(size) for size in cost.shape)
  log_k = -cost / epsilon

  # The carry holds the potentials as f / epsilon and g / epsilon.
  def step(_, potentials):
    _, g = potentials
    f = -log_n - logsumexp(log_k + g[None], axis=1)
    g = -log_m - logsumexp(log_k + f[:, None], axis=0)
    return f, g

  start = jnp.zeros_like(cost[:, 0]), jnp.zeros_like(cost[0])
  f, g = jax.lax.fori_loop(0, iterations, step, start)
  return jnp.exp(f[:, None] + log_k + g[None])


# name -> (cost, regularisation strength, iterations) -> plan
SOLVERS: dict[str, Callable[..., Array]] = {'ipot': ipot, 'sinkhorn': sinkhorn}


def transport_distance(
  cost: Array, plan: Array, through_plan: bool = False
) -> Array:
  """Returns sum(plan * cost), the cost of a plan.

  Args:
    cost: [n, m]
    plan: [n, m]
    through_plan: whether to differentiate the plan as well

  Returns:
    A scalar in the unit of the cost.

  By default the plan is a constant, so the gradient with respect to the cost is
  the plan. By the envelope theorem this is the gradient of the optimal cost if
  the plan is optimal. For a plan of `sinkhorn` it is the gradient of the
  entropic objective.
  """
  chex.assert_rank(cost, 2)
  chex.assert_equal_shape([cost, plan])
  if not through_plan:
    plan = jax.lax.stop_gradient(plan)
  return jnp.sum(plan * cost)


def solved_distance(
  cost: Array, solver: Callable[[Array], Array], through_plan: bool = False
) -> Array:
  """Returns `transport_distance` for the plan that a solver finds.

  Args:
    cost: [n, m]
    solver: cost -> plan, [n, m]
    through_plan: whether to differentiate the solver as well; the backward pass
      then stores the matrices of every iteration

  Returns:
    A scalar in the unit of the cost.
  """
  # Stopped before the solver, so that its iterations are not differentiated.
  plan = solver(cost if through_plan else jax.lax.stop_gradient(cost))
  return transport_distance(cost, plan, through_plan)


def sinkhorn_divergence(
  x: Array,
  y: Array,
  cost: Callable[[Array, Array], Array],
  epsilon: Array | float,
  iterations: int,
  through_plan: bool = False,
) -> Array:
  """Returns 2 W(x, y) - W(x, x) - W(y, y), with W the entropic transport cost.

  Args:
    x: [n, F]
    y: [m, F]
    cost: builds the cost matrix of two samples, such as `cosine_cost`
    epsilon: as in `sinkhorn`
    iterations: as in `sinkhorn`
    through_plan: whether to differentiate the three plans as well

  Returns:
    A scalar in the unit of the cost.

  W is sum(plan * cost) for the entropic plan. The divergence is zero at
  equality, unlike W, because the entropy keeps the plan from being the identity
  (Genevay et al. 2018). The published code of FM-GAN trains with the
  divergence, using the cosine cost, epsilon = 1 and 40 iterations.
  """

  def w(a: Array, b: Array) -> Array:
    return solved_distance(
      cost(a, b), lambda c: sinkhorn(c, epsilon, iterations), through_plan
    )

  return 2 * w(x, y) - w(x, x) - w(y, y)
