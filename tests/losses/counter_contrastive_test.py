"""Tests CCL Eq 3 against a double loop, its bounds and its gradients."""

import chex
import jax
import jax.numpy as jnp
import numpy as np
import oracles
from absl.testing import parameterized
from jax.test_util import check_grads

from moegan_jax.errors import UserError
from moegan_jax.losses.counter_contrastive import counter_contrastive

RNG = np.random.RandomState(0)
FEATURES = tuple(jnp.asarray(RNG.randn(4, 3, 5), jnp.float32) for _ in range(3))
# Compiled loss, for the tests that do not cover compilation.
LOSS = jax.jit(counter_contrastive, static_argnames=('temperature', 'reps'))
READINGS = ('flatten', 'per_rep')


class CounterContrastiveTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters(0.2, 1.0)
  def test_flatten(self, temperature):
    loss = self.variant(lambda *x: counter_contrastive(*x, temperature))
    flat = [np.asarray(x).reshape(4, 15) for x in FEATURES]
    want = oracles.counter_contrastive(*flat, temperature)
    np.testing.assert_allclose(loss(*FEATURES), want, rtol=1e-5)

  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters(0.2, 1.0)
  def test_per_rep(self, temperature):
    loss = self.variant(
      lambda *x: counter_contrastive(*x, temperature, 'per_rep')
    )
    arrays = [np.asarray(x) for x in FEATURES]
    want = [
      oracles.counter_contrastive(*(x[:, s] for x in arrays), temperature)
      for s in range(3)
    ]
    np.testing.assert_allclose(loss(*FEATURES), np.mean(want), rtol=1e-5)

  @parameterized.parameters(*READINGS)
  def test_equal_cosines_give_log_2n(self, reps):
    x = FEATURES[0]
    got = LOSS(x, 2 * x, 3 * x, reps=reps)
    np.testing.assert_allclose(got, np.log(8), rtol=1e-5)

  @parameterized.product(reps=READINGS, temperature=[0.2, 1.0])
  def test_never_below_log_n(self, reps, temperature):
    x, y, z = FEATURES
    # The best case: fakes equal the anchor, real pairs are opposite.
    for args in [FEATURES, (x, -x, x), (y, x, -y), (z, z, -z)]:
      got = LOSS(*args, temperature=temperature, reps=reps)
      self.assertGreater(got, np.log(4))

  @parameterized.parameters(*READINGS)
  def test_descent_moves_fakes_to_the_anchor(self, reps):
    anchor, positive, negative = FEATURES

    def cosine(x, y):
      return np.vdot(x, y) / np.linalg.norm(x) / np.linalg.norm(y)

    loss = jax.jit(
      jax.value_and_grad(
        lambda fake: counter_contrastive(anchor, positive, fake, 0.5, reps)
      )
    )
    value, grad = loss(negative)
    after = negative - 0.1 * grad / np.linalg.norm(grad)
    self.assertLess(loss(after)[0], value)
    self.assertGreater(cosine(anchor, after), cosine(anchor, negative))

  @parameterized.parameters(*READINGS)
  def test_gradients(self, reps):
    check_grads(
      lambda *x: LOSS(*x, reps=reps),
      FEATURES,
      order=1,
      modes=['rev'],
      atol=1e-2,
      rtol=1e-2,
    )

  def test_zero_features_have_finite_gradients(self):
    x = FEATURES[0]
    value, grads = jax.value_and_grad(LOSS, argnums=(0, 2))(
      x, x, jnp.zeros_like(x)
    )
    chex.assert_tree_all_finite((value, grads))

  def test_bad_settings(self):
    with self.assertRaisesRegex(UserError, "ccl.reps='mean'.*flatten, per_rep"):
      counter_contrastive(*FEATURES, reps='mean')
    with self.assertRaisesRegex(UserError, 'positive'):
      counter_contrastive(*FEATURES, temperature=0)
    with self.assertRaises(AssertionError):
      counter_contrastive(FEATURES[0], FEATURES[1], FEATURES[2][:2])
