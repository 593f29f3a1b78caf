"""Tests the losses that match samples: values, gradients and errors."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import oracles
import scipy.optimize
from absl.testing import parameterized
from jax.test_util import check_grads

from moegan_jax.errors import UserError
from moegan_jax.losses import matching

RNG = np.random.RandomState(0)
REAL = jnp.asarray(RNG.randn(4, 3, 5), jnp.float32)
FAKE = jnp.asarray(RNG.randn(2, 3, 5) + 0.5, jnp.float32)
BANK = (0.5, 2.0)
SETTINGS = {
  'ipot': {'epsilon': 1.0, 'iterations': 7},
  'sinkhorn': {'epsilon': 0.3, 'iterations': 9},
  'sinkhorn-divergence': {'epsilon': 1.0, 'iterations': 40},
}
# Compiled loss, for the tests that do not cover compilation.
WASSERSTEIN = jax.jit(
  matching.wasserstein_alignment, static_argnames=('reduce', 'iterations')
)


def flat(features):
  return np.asarray(features, np.float64).reshape(-1, features.shape[-1])


def movers(solver, **overrides):
  """Returns the compiled distance."""
  return jax.jit(
    functools.partial(
      matching.feature_movers_distance,
      solver=solver,
      **SETTINGS[solver] | overrides,
    )
  )


def naive_movers(solver, real, fake):
  x, y = flat(real), flat(fake)
  strength, iterations = SETTINGS[solver].values()

  def w(a, b):
    cost = oracles.cosine_cost(a, b)
    plan = oracles.ipot if solver == 'ipot' else oracles.sinkhorn
    return np.sum(cost * plan(cost, strength, iterations))

  if solver == 'sinkhorn-divergence':
    return 2 * w(x, y) - w(x, x) - w(y, y)
  return w(x, y)


def assignment(x, y):
  """Wasserstein-1 for equal sizes: the mean cost of the best permutation."""
  cost = oracles.euclidean_cost(x, y)
  return cost[scipy.optimize.linear_sum_assignment(cost)].mean()


class FeatureMoversTest(chex.TestCase):
  @parameterized.product(
    solver=matching.MOVERS, through_plan=[False, True], jit=[False, True]
  )
  def test_value(self, solver, through_plan, jit):
    with jax.disable_jit(not jit):
      got = movers(solver, through_plan=through_plan)(REAL, FAKE)
    want = naive_movers(solver, REAL, FAKE)
    np.testing.assert_allclose(got, want, rtol=1e-4)

  @parameterized.parameters(*matching.MOVERS)
  def test_ignores_the_length_of_features(self, solver):
    loss = movers(solver)
    scale = jnp.asarray(RNG.uniform(0.1, 10, (4, 3, 1)), jnp.float32)
    np.testing.assert_allclose(
      loss(scale * REAL, FAKE), loss(REAL, FAKE), rtol=1e-4
    )

  @parameterized.parameters(*matching.MOVERS)
  def test_both_players_have_a_gradient(self, solver):
    for grad in jax.grad(movers(solver), argnums=(0, 1))(REAL, FAKE):
      self.assertGreater(np.abs(grad).min(), 0)

  @parameterized.parameters(*matching.MOVERS)
  def test_gradient_through_the_plan(self, solver):
    check_grads(
      jax.jit(movers(solver, through_plan=True)),
      (REAL, FAKE),
      order=1,
      modes=['rev'],
      atol=1e-2,
      rtol=1e-2,
    )

  def test_gradient_of_the_exact_distance(self):
    """Compares a sharp plan with finite differences of the linear programme."""
    loss = movers('ipot', epsilon=0.1, iterations=2000)
    got = jax.grad(loss, argnums=1)(REAL, FAKE)
    direction, step = RNG.randn(*FAKE.shape), 1e-4

    def exact(fake):
      cost = oracles.cosine_cost(flat(REAL), flat(fake))
      return oracles.exact_transport(cost)[0]

    fake = np.asarray(FAKE, np.float64)
    want = exact(fake + step * direction) - exact(fake - step * direction)
    want /= 2 * step
    np.testing.assert_allclose(np.sum(got * direction), want, atol=1e-4)

  def test_equality(self):
    loss = movers('sinkhorn-divergence')
    np.testing.assert_allclose(loss(REAL, REAL), 0, atol=1e-5)
    self.assertGreater(movers('sinkhorn')(REAL, REAL), 0.05)
    sharp = movers('ipot', epsilon=0.1, iterations=500)
    np.testing.assert_allclose(sharp(REAL, REAL), 0, atol=1e-5)

  def test_traced_epsilon(self):
    loss = jax.jit(lambda e: movers('sinkhorn', epsilon=e)(REAL, FAKE))
    want = naive_movers('sinkhorn', REAL, FAKE)
    np.testing.assert_allclose(loss(0.3), want, rtol=1e-4)

  def test_vmap(self):
    fakes = jnp.stack([FAKE, -FAKE])
    got = jax.vmap(movers('ipot'), (None, 0))(REAL, fakes)
    want = [movers('ipot')(REAL, fake) for fake in fakes]
    np.testing.assert_allclose(got, want, rtol=1e-5)

  def test_bad_settings(self):
    with self.assertRaisesRegex(UserError, "solver='emd'.*ipot, sinkhorn"):
      matching.feature_movers_distance(
        REAL, FAKE, solver='emd', epsilon=1.0, iterations=1
      )
    for epsilon in (0, -1.0, float('nan')):
      with self.assertRaisesRegex(UserError, 'epsilon=.*positive'):
        movers('ipot', epsilon=epsilon)(REAL, FAKE)
    with self.assertRaisesRegex(UserError, 'iterations=0'):
      movers('ipot', iterations=0)(REAL, FAKE)
    with self.assertRaises(AssertionError):
      movers('ipot')(REAL, FAKE[:, :2])


class MaximumMeanDiscrepancyTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters(False, True)
  def test_value(self, squared):
    loss = self.variant(
      lambda r, f: matching.maximum_mean_discrepancy(r, f, BANK, squared)
    )
    want = oracles.mmd_squared(flat(REAL), flat(FAKE), BANK)
    want = want if squared else want**0.5
    np.testing.assert_allclose(loss(REAL, FAKE), want, atol=1.1e-4)

  def test_both_players_have_a_gradient(self):
    loss = jax.jit(lambda r, f: matching.maximum_mean_discrepancy(r, f, BANK))
    for grad in jax.grad(loss, argnums=(0, 1))(REAL, FAKE):
      self.assertGreater(np.abs(grad).min(), 0)

  @parameterized.parameters(False, True)
  def test_gradient(self, squared):
    check_grads(
      jax.jit(
        lambda r, f: matching.maximum_mean_discrepancy(r, f, BANK, squared)
      ),
      (REAL, FAKE),
      order=1,
      modes=['rev'],
      atol=1e-2,
      rtol=1e-2,
    )

  def test_bad_settings(self):
    with self.assertRaisesRegex(UserError, 'positive'):
      matching.maximum_mean_discrepancy(REAL, FAKE, (0.0,))
    with self.assertRaises(AssertionError):
      matching.maximum_mean_discrepancy(REAL, FAKE[:, 0], BANK)


class WassersteinAlignmentTest(chex.TestCase):
  def test_joint(self):
    for seed in range(5):
      rng = np.random.RandomState(seed)
      real = rng.randn(16, 2, 24).astype(np.float32)
      fake = (0.8 * rng.randn(16, 2, 24) + 0.3).astype(np.float32)
      want = assignment(flat(real), flat(fake))
      got = WASSERSTEIN(real, fake)
      # Entropy and approximate marginals cost a few percent.
      np.testing.assert_allclose(got, want, rtol=0.03)

  @parameterized.parameters(*matching.REDUCTIONS)
  def test_without_compilation(self, reduce):
    got = matching.wasserstein_alignment(REAL, FAKE, reduce)
    want = WASSERSTEIN(REAL, FAKE, reduce)
    np.testing.assert_allclose(got, want, rtol=1e-4)

  def test_other_batch_sizes(self):
    got = WASSERSTEIN(REAL, FAKE, iterations=500)
    cost = oracles.euclidean_cost(flat(REAL), flat(FAKE))
    want, _ = oracles.exact_transport(cost)
    np.testing.assert_allclose(got, want, rtol=0.03)

  def test_per_rep(self):
    got = WASSERSTEIN(REAL, FAKE, 'per_rep')
    want = [
      WASSERSTEIN(REAL[:, s : s + 1], FAKE[:, s : s + 1]) for s in range(3)
    ]
    np.testing.assert_allclose(got, np.mean(want), rtol=1e-4)

  def test_translation(self):
    """A translation is an optimal map, so the distance is its length."""
    shift = jnp.asarray([3.0, 0, 4, 0, 0]).reshape(1, 1, 5)
    got = WASSERSTEIN(REAL, REAL + shift, iterations=500)
    np.testing.assert_allclose(got, 5, rtol=0.02)

  def test_detects_differences_beyond_centroids(self):
    centre = jnp.broadcast_to(REAL.mean((0, 1), keepdims=True), (1, 3, 5))
    got = WASSERSTEIN(REAL, centre)
    want = np.linalg.norm(flat(REAL) - flat(REAL).mean(0), axis=1).mean()
    np.testing.assert_allclose(got, want, rtol=1e-3)

  @parameterized.parameters(1e-3, 1e3)
  def test_scales_with_the_unit_of_features(self, scale):
    got = WASSERSTEIN(scale * REAL, scale * FAKE)
    want = WASSERSTEIN(REAL, FAKE)
    # The offset of 1e-4 in the cost is visible for small features.
    np.testing.assert_allclose(got, scale * want, rtol=0.05)

  @parameterized.parameters(*matching.REDUCTIONS)
  def test_gradient_reaches_the_fakes_only(self, reduce):
    real, fake = jax.grad(WASSERSTEIN, argnums=(0, 1))(REAL, FAKE, reduce)
    np.testing.assert_array_equal(real, 0)
    self.assertGreater(np.abs(fake).min(), 0)

  def test_gradient_of_the_exact_distance(self):
    sharp = functools.partial(
      WASSERSTEIN, relative_epsilon=0.003, iterations=5000
    )
    got = jax.grad(sharp, argnums=1)(REAL, FAKE)
    direction, step = RNG.randn(*FAKE.shape), 1e-4

    def exact(fake):
      cost = oracles.euclidean_cost(flat(REAL), flat(fake))
      return oracles.exact_transport(cost)[0]

    fake = np.asarray(FAKE, np.float64)
    want = exact(fake + step * direction) - exact(fake - step * direction)
    want /= 2 * step
    np.testing.assert_allclose(np.sum(got * direction), want, atol=2e-3)

  @parameterized.parameters(*matching.REDUCTIONS)
  def test_equality(self, reduce):
    value, grad = jax.value_and_grad(WASSERSTEIN, argnums=1)(REAL, REAL, reduce)
    np.testing.assert_allclose(value, 0, atol=1e-3)
    np.testing.assert_allclose(grad, 0, atol=1e-3)

  @parameterized.parameters(*matching.REDUCTIONS)
  def test_one_point(self, reduce):
    points = jnp.ones((2, 3, 5))
    value, grad = jax.value_and_grad(WASSERSTEIN, argnums=1)(
      points, points, reduce
    )
    self.assertEqual(value, 0)
    np.testing.assert_array_equal(grad, 0)

  def test_bad_settings(self):
    with self.assertRaisesRegex(UserError, "reduce='each'.*joint, per_rep"):
      matching.wasserstein_alignment(REAL, FAKE, 'each')
    with self.assertRaisesRegex(UserError, 'relative_epsilon=0'):
      matching.wasserstein_alignment(REAL, FAKE, relative_epsilon=0)
    with self.assertRaisesRegex(UserError, 'iterations=0'):
      matching.wasserstein_alignment(REAL, FAKE, iterations=0)
    with self.assertRaises(AssertionError):
      matching.wasserstein_alignment(REAL, FAKE[:, :2])
