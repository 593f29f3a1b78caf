"""Tests transport plans against a linear programme, and their gradients."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import oracles
import scipy.optimize
from absl.testing import parameterized
from jax.test_util import check_grads

from moegan_jax.ops import transport

SHAPES = ((5, 5), (6, 8), (8, 6), (7, 7))
IPOT = jax.jit(transport.ipot, static_argnums=(2, 3))
SINKHORN = jax.jit(transport.sinkhorn, static_argnums=2)
# Strength and iterations that are sharp enough to compare with exact plans.
SHARP = {'ipot': (0.1, 2000), 'sinkhorn': (0.005, 2000)}
# Relative tolerances of the cost above the optimum and of the row sums.
TOLERANCE = {'ipot': 1e-5, 'sinkhorn': 5e-3}
ROWS = {'ipot': 1e-4, 'sinkhorn': 1e-2}


def costs(shape, count, seed=0):
  """Cosine costs of random features, asymmetric even for n = m."""
  rng = np.random.RandomState(seed)
  for _ in range(count):
    x, y = (rng.randn(size, 4).astype(np.float32) for size in shape)
    yield np.asarray(transport.cosine_cost(x, y))


def solve(name, cost):
  solver = {'ipot': IPOT, 'sinkhorn': SINKHORN}[name]
  return np.asarray(solver(cost, *SHARP[name]), np.float64)


class CostsTest(chex.TestCase):
  x = np.random.RandomState(0).randn(6, 5).astype(np.float32)
  y = np.random.RandomState(1).randn(4, 5).astype(np.float32)

  @chex.variants(with_jit=True, without_jit=True)
  def test_cosine(self):
    got = self.variant(transport.cosine_cost)(self.x, self.y)
    want = oracles.cosine_cost(self.x, self.y)
    np.testing.assert_allclose(got, want, atol=1e-6)

  @chex.variants(with_jit=True, without_jit=True)
  def test_euclidean(self):
    got = self.variant(transport.euclidean_cost)(self.x, self.y)
    want = oracles.euclidean_cost(self.x, self.y)
    np.testing.assert_allclose(got, want, rtol=1e-6, atol=1.1e-4)

  def test_cosine_ignores_length(self):
    scale = np.float32([[1e-3], [1e-2], [1], [10], [1e3], [1e6]])
    np.testing.assert_allclose(
      transport.cosine_cost(scale * self.x, self.y),
      transport.cosine_cost(self.x, self.y),
      atol=1e-6,
    )

  def test_cosine_of_zero_vectors(self):
    zeros = jnp.zeros((2, 5))
    value, grad = jax.value_and_grad(
      lambda x: jnp.sum(transport.cosine_cost(x, self.y))
    )(zeros)
    np.testing.assert_allclose(value, 8)
    chex.assert_tree_all_finite(grad)

  @parameterized.parameters(transport.cosine_cost, transport.euclidean_cost)
  def test_equality(self, cost):
    value, grad = jax.value_and_grad(
      lambda y: jnp.trace(cost(jnp.asarray(self.x), y))
    )(jnp.asarray(self.x))
    np.testing.assert_allclose(value, 0, atol=1e-6)
    np.testing.assert_allclose(grad, 0, atol=1e-6)

  @parameterized.parameters(transport.cosine_cost, transport.euclidean_cost)
  def test_gradient(self, cost):
    check_grads(
      jax.jit(cost), (self.x, self.y), 1, ['rev'], atol=1e-2, rtol=1e-2
    )

  @parameterized.parameters(transport.cosine_cost, transport.euclidean_cost)
  def test_shapes(self, cost):
    with self.assertRaises(AssertionError):
      cost(self.x, self.y[:, :4])
    with self.assertRaises(AssertionError):
      cost(self.x, self.y[0])


class SolversTest(chex.TestCase):
  @parameterized.product(name=sorted(transport.SOLVERS), shape=SHAPES)
  def test_exact_costs(self, name, shape):
    for cost in costs(shape, 5):
      plan = solve(name, cost)
      want, _ = oracles.exact_transport(cost)
      np.testing.assert_allclose(
        np.sum(plan * cost), want, rtol=TOLERANCE[name]
      )
      np.testing.assert_allclose(plan.sum(0), 1 / shape[1], rtol=1e-4)
      np.testing.assert_allclose(plan.sum(1), 1 / shape[0], rtol=ROWS[name])
      self.assertGreaterEqual(plan.min(), 0)

  def test_ipot_finds_the_optimal_assignment(self):
    for cost in costs((8, 8), 5, seed=1):
      i, j = scipy.optimize.linear_sum_assignment(cost)
      want = np.zeros((8, 8))
      want[i, j] = 1 / 8
      np.testing.assert_allclose(solve('ipot', cost), want, atol=1e-6)

  @parameterized.product(
    shape=[(4, 6), (5, 5)], beta=[0.3, 10.0], steps=[1, 7], inner=[1, 3]
  )
  def test_ipot_step_by_step(self, shape, beta, steps, inner):
    """Before convergence, where the order of the scalings matters."""
    (cost,) = costs(shape, 1, seed=2)
    want = oracles.ipot(cost, beta, steps, inner)
    np.testing.assert_allclose(IPOT(cost, beta, steps, inner), want, rtol=1e-4)

  @parameterized.product(
    shape=[(4, 6), (5, 5)], epsilon=[0.1, 1.0], steps=[1, 7]
  )
  def test_sinkhorn_step_by_step(self, shape, epsilon, steps):
    (cost,) = costs(shape, 1, seed=3)
    want = oracles.sinkhorn(cost, epsilon, steps)
    np.testing.assert_allclose(SINKHORN(cost, epsilon, steps), want, rtol=1e-4)

  @parameterized.parameters(*sorted(transport.SOLVERS))
  def test_without_compilation(self, name):
    (cost,) = costs((4, 6), 1, seed=2)
    want = getattr(oracles, name)(cost, 0.3, 7)
    got = transport.SOLVERS[name](cost, 0.3, 7)
    np.testing.assert_allclose(got, want, rtol=1e-4)

  def test_scaling_without_transpose_violates_marginals(self):
    """The columns have the right sums only with the transpose."""
    (cost,) = costs((5, 5), 1, seed=4)
    q = np.exp(-cost.astype(np.float64))
    delta = 1 / 5 / (q @ np.full(5, 1 / 5))
    wrong = delta[:, None] * q * (1 / 5 / (q @ delta))[None]
    right = IPOT(cost, 1.0, 1)
    self.assertGreater(np.abs(wrong.sum(0) - 1 / 5).max(), 0.01)
    np.testing.assert_allclose(right.sum(0), 1 / 5, rtol=1e-5)

  def test_ipot_matches_sinkhorn_at_beta_over_t(self):
    for cost in costs((6, 8), 5):
      sharp = np.sum(np.asarray(IPOT(cost, 10.0, 50)) * cost)
      blunt = np.sum(np.asarray(SINKHORN(cost, 10.0, 50)) * cost)
      same = np.sum(np.asarray(SINKHORN(cost, 0.2, 200)) * cost)
      np.testing.assert_allclose(sharp, same, rtol=0.02)
      self.assertGreater(blunt, 1.2 * sharp)

  def test_cost_grows_with_epsilon(self):
    """The plan tends to the product of the marginals."""
    for cost in costs((6, 8), 3):
      values = [
        np.sum(np.asarray(SINKHORN(cost, epsilon, 500)) * cost)
        for epsilon in (0.05, 0.2, 1.0, 1e4)
      ]
      self.assertTrue((np.diff(values) > 0).all())
      np.testing.assert_allclose(values[-1], cost.mean(), rtol=1e-3)

  @parameterized.parameters(*sorted(transport.SOLVERS))
  def test_large_costs(self, name):
    """exp(-cost / epsilon) underflows to zero everywhere in float32."""
    (cost,) = costs((6, 6), 1)
    cost = 1000 * (cost + 1)
    plan = transport.SOLVERS[name](cost, 10.0, 500)
    np.testing.assert_allclose(plan.sum(0), 1 / 6, rtol=1e-3)
    want, _ = oracles.exact_transport(cost)
    np.testing.assert_allclose(np.sum(plan * cost), want, rtol=1e-2)

  @parameterized.parameters(*sorted(transport.SOLVERS))
  def test_permutation_equivariance(self, name):
    (cost,) = costs((6, 8), 1)
    rows, columns = np.random.RandomState(0).permutation(6), np.arange(8)[::-1]
    got = solve(name, cost[rows][:, columns])
    want = solve(name, cost)[rows][:, columns]
    np.testing.assert_allclose(got, want, atol=1e-5)

  @parameterized.parameters(*sorted(transport.SOLVERS))
  def test_constant_costs_give_the_product(self, name):
    plan = transport.SOLVERS[name](jnp.full((3, 4), 0.7), 0.1, 5)
    np.testing.assert_allclose(plan, 1 / 12, rtol=1e-5)

  @parameterized.parameters(*sorted(transport.SOLVERS))
  def test_one_point(self, name):
    for shape in ((1, 4), (4, 1), (1, 1)):
      cost = np.random.RandomState(0).rand(*shape).astype(np.float32)
      plan = transport.SOLVERS[name](cost, 0.1, 3)
      np.testing.assert_allclose(plan, 1 / cost.size, rtol=1e-5)

  @parameterized.parameters(*sorted(transport.SOLVERS))
  def test_vmap(self, name):
    batch = np.stack(list(costs((4, 6), 3)))
    solver = functools.partial(transport.SOLVERS[name], iterations=20)
    got = jax.vmap(lambda cost: solver(cost, 0.3))(batch)
    want = [solver(cost, 0.3) for cost in batch]
    np.testing.assert_allclose(got, want, rtol=1e-4)

  @parameterized.parameters(*sorted(transport.SOLVERS))
  def test_shapes(self, name):
    with self.assertRaises(AssertionError):
      transport.SOLVERS[name](jnp.zeros((2, 3, 4)), 0.3, 5)


class GradientsTest(chex.TestCase):
  @functools.partial(jax.jit, static_argnums=(0, 1, 3))
  def distance(self, name, cost, through_plan):
    return transport.solved_distance(
      cost, lambda c: transport.SOLVERS[name](c, 0.3, 10), through_plan
    )

  def test_value(self):
    (cost,) = costs((4, 6), 1)
    plan = oracles.sinkhorn(cost, 0.3, 10)
    for through_plan in (False, True):
      got = self.distance('sinkhorn', cost, through_plan)
      np.testing.assert_allclose(got, np.sum(plan * cost), rtol=1e-5)

  @parameterized.parameters(*sorted(transport.SOLVERS))
  def test_gradient_equals_the_plan(self, name):
    (cost,) = costs((4, 6), 1)
    grad = jax.grad(self.distance, 1)(name, cost, False)
    plan = transport.SOLVERS[name](cost, 0.3, 10)
    np.testing.assert_allclose(grad, plan, rtol=1e-5)

  @parameterized.parameters(*sorted(transport.SOLVERS))
  def test_gradient_through_the_plan(self, name):
    (cost,) = costs((4, 6), 1)
    check_grads(
      jax.jit(lambda c: self.distance(name, c, True)),
      (cost,),
      1,
      ['rev'],
      atol=1e-2,
      rtol=1e-2,
    )
    stopped, through = (
      jax.grad(self.distance, 1)(name, cost, x) for x in (False, True)
    )
    self.assertGreater(np.abs(stopped - through).max(), 1e-3)

  def test_transport_distance_stops_the_plan(self):
    (cost,) = costs((4, 6), 1)

    def value(c, through_plan):
      plan = transport.sinkhorn(c, 0.3, 10)
      return transport.transport_distance(c, plan, through_plan)

    for through_plan in (False, True):
      np.testing.assert_allclose(
        jax.grad(value)(cost, through_plan),
        jax.grad(self.distance, 1)('sinkhorn', cost, through_plan),
        rtol=1e-4,
        atol=1e-6,
      )

  def test_envelope_of_the_exact_distance(self):
    """The stopped gradient matches the value of the linear programme."""
    for cost in costs((5, 7), 3):
      grad = solve('ipot', cost)
      direction = np.random.RandomState(0).randn(5, 7)
      step = 1e-4
      high, _ = oracles.exact_transport(cost + step * direction)
      low, _ = oracles.exact_transport(cost - step * direction)
      got = np.sum(grad * direction)
      np.testing.assert_allclose(got, (high - low) / (2 * step), atol=5e-3)

  def test_envelope_of_the_entropic_objective(self):
    """The stopped gradient is that of sum(plan cost) - epsilon entropy."""
    (cost,) = costs((5, 7), 1)
    grad = np.asarray(SINKHORN(cost, 0.3, 200))
    direction = np.random.RandomState(0).randn(5, 7)
    step = 1e-4

    def objective(c, entropy):
      plan = oracles.sinkhorn(c, 0.3, 200)
      return np.sum(plan * c + entropy * 0.3 * plan * np.log(plan))

    slopes = [
      objective(cost + step * direction, e)
      - objective(cost - step * direction, e)
      for e in (1, 0)
    ]
    slopes = np.array(slopes) / (2 * step)
    got = np.sum(grad * direction)
    np.testing.assert_allclose(got, slopes[0], rtol=1e-4)
    self.assertGreater(abs(got - slopes[1]), 1e-2)

  def test_shapes(self):
    with self.assertRaises(AssertionError):
      transport.transport_distance(jnp.zeros((2, 3)), jnp.zeros((3, 2)))
