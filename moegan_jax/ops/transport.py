"""Optimal transport between two samples of equal weights.

A cost matrix is [n, m], and the marginals are uniform: every row of a plan
sums to 1 / n and every column to 1 / m. Both solvers end with the columns, so
those sums are exact, and those of the rows as exact as the iterations allow.

Everything multiplicative is done with logarithms: exp(-cost / epsilon) leaves
float32 as soon as a cost is 88 times epsilon.
"""

import math
from collections.abc import Callable

import chex
import jax
import jax.numpy as jnp
from jax.nn import logsumexp

from moegan_jax.ops.kernels import squared_distances

Array = jax.Array


def cosine_cost(x: Array, y: Array, eps: float = 1e-8) -> Array:
  """1 - cos(x_i, y_j), in [0, 2]: [n, m] for [n, F] and [m, F].

  Vectors whose squared length is below `eps` count as shorter than one; at
  zero the cosine is zero and has a finite gradient.
  """
  chex.assert_rank([x, y], 2)
  chex.assert_equal_shape_suffix([x, y], 1)

  def unit(z: Array) -> Array:
    squared = jnp.sum(z**2, axis=-1, keepdims=True)
    return z * jax.lax.rsqrt(jnp.maximum(squared, eps))

  # In full precision also where products are cheaper in less: 1 - cos cancels.
  return 1 - jnp.matmul(unit(x), unit(y).T, precision='highest')


def euclidean_cost(x: Array, y: Array, eps: float = 1e-8) -> Array:
  """|| x_i - y_j ||_2: [n, m] for [n, F] and [m, F].

  sqrt(d^2 + eps) - sqrt(eps), as in `distances.centroid_distance`: zero at
  equality, where its gradient is zero too.
  """
  squared = squared_distances(x, y)
  return squared / (jnp.sqrt(squared + eps) + eps**0.5)


def ipot(
  cost: Array, beta: Array | float, iterations: int, inner: int = 1
) -> Array:
  """A plan by inexact proximal point iterations.

  Xie et al. 2018, Algorithm 1. Step t minimises the transport cost plus beta
  times the divergence from the plan of step t - 1, by `inner` scalings of
  Q = exp(-cost / beta) * plan:

    a = 1 / (n Q b),  b = 1 / (m Q^T a),  plan = diag(a) Q diag(b).

  Unlike entropic transport this converges to an optimal plan for every beta.
  With one scaling a step, t steps are about as sharp as entropic transport with
  epsilon = beta / t. A small beta is faster until the rows cannot follow: it
  takes more scalings, or more steps, to bring them back to 1 / n.

  FM-GAN (Chen et al. 2018) uses it, with beta = 10 and 50 iterations in its
  published code. That code scales with Q in place of Q^T in
  the second place, which is another matter unless Q is symmetric.

  Args:
    cost: [n, m]
    beta: positive
    iterations: proximal steps, at least 1
    inner: scalings a step, at least 1

  Returns:
    The plan, [n, m].
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

  # From the plan of ones; a constant factor changes nothing.
  start = jnp.zeros_like(cost), jnp.full_like(cost[0], -log_m)
  log_plan, _ = jax.lax.fori_loop(0, iterations, step, start)
  return jnp.exp(log_plan)


def sinkhorn(cost: Array, epsilon: Array | float, iterations: int) -> Array:
  """The plan of entropic transport (Cuturi 2013), by Sinkhorn's iterations.

  The plan minimises sum(plan * cost) - epsilon * entropy(plan). It is
  exp((f_i + g_j - cost_ij) / epsilon), and an iteration sets f so that the
  rows have their sums, and then g so that the columns have theirs.

  Args:
    cost: [n, m]
    epsilon: positive, in the unit of the cost
    iterations: at least 1; the smaller epsilon, the more it takes

  Returns:
    The plan, [n, m].
  """
  chex.assert_rank(cost, 2)
  log_n, log_m = (math.log(size) for size in cost.shape)
  log_k = -cost / epsilon

  # The potentials are kept as f / epsilon and g / epsilon.
  def step(_, potentials):
    _, g = potentials
    f = -log_n - logsumexp(log_k + g[None], axis=1)
    g = -log_m - logsumexp(log_k + f[:, None], axis=0)
    return f, g

  start = jnp.zeros_like(cost[:, 0]), jnp.zeros_like(cost[0])
  f, g = jax.lax.fori_loop(0, iterations, step, start)
  return jnp.exp(f[:, None] + log_k + g[None])


# name -> (cost, strength of the regularisation, iterations) -> plan
SOLVERS = {'ipot': ipot, 'sinkhorn': sinkhorn}


def transport_distance(
  cost: Array, plan: Array, through_plan: bool = False
) -> Array:
  """sum(plan * cost), what the plan costs.

  By default the plan is a constant of the gradient, which is then the plan
  itself. By the envelope theorem that is the gradient of the optimal cost if
  the plan is optimal, and for a plan of `sinkhorn` that of its whole
  objective, the entropy included.

  Args:
    cost: [n, m]
    plan: [n, m]
    through_plan: differentiate the plan as well

  Returns:
    A scalar.
  """
  chex.assert_rank(cost, 2)
  chex.assert_equal_shape([cost, plan])
  if not through_plan:
    plan = jax.lax.stop_gradient(plan)
  return jnp.sum(plan * cost)


def solved_distance(
  cost: Array, solver: Callable[[Array], Array], through_plan: bool = False
) -> Array:
  """`transport_distance` with the plan that `solver` finds for the cost.

  With `through_plan` the backward pass keeps every iteration's matrices.
  """
  # Cut before the solver, so that its iterations are not even traced for it.
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
  """2 W(x, y) - W(x, x) - W(y, y), with W the cost of the entropic plan.

  Zero at equality, where W alone is not: entropy keeps the plan from being
  the identity. Genevay et al. 2018; the published code of FM-GAN trains
  with it, with the cosine cost, epsilon = 1 and 40 iterations.

  Args:
    x: [n, F]
    y: [m, F]
    cost: makes the matrix of two samples, as `cosine_cost` does
    epsilon: as in `sinkhorn`
    iterations: as in `sinkhorn`
    through_plan: differentiate the three plans as well

  Returns:
    A scalar.
  """

  def w(a: Array, b: Array) -> Array:
    return solved_distance(
      cost(a, b), lambda c: sinkhorn(c, epsilon, iterations), through_plan
    )

  return 2 * w(x, y) - w(x, x) - w(y, y)
