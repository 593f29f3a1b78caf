"""Tests values and gradients of all adversarial losses, and their signs."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import oracles
import pytest
from absl.testing import parameterized

from moegan_jax.errors import UserError
from moegan_jax.losses import adversarial

NAMES = sorted(adversarial.LOSSES)
# No logit is at a kink of a hinge, even relative to the other side's mean.
REAL = np.array([[0.3, -1.7], [2.2, 0.6], [-0.4, 1.3]], np.float32)
FAKE = np.array([[-0.9, 0.2], [-2.1, 1.8], [0.5, -1.2]], np.float32)
# D separates the two, but no loss is saturated.
HIGH = np.array([0.3, 0.5, 0.4, 0.35], np.float32)
LOW = np.array([0.2, 0.1, 0.15, 0.25], np.float32)
# One axis, with both signs and with pairs in both orders.
WIDE = np.stack([REAL.ravel()[:4], FAKE.ravel()[:4]])
# Every loss in each of its forms.
FORMS = [(name, 'nonsat') for name in NAMES]
FORMS += [(name, 'minimax') for name in ('rsgan', 'standard')]


@functools.cache
def _game(name, form='nonsat'):
  """Compiles the values and gradients (in real, in fake) of D and G."""
  loss = adversarial.adversarial_loss(name, form)
  sides = [jax.value_and_grad(side, argnums=(0, 1)) for side in loss[:2]]
  return jax.jit(lambda real, fake: [side(real, fake) for side in sides])


class TableTest(chex.TestCase):
  @chex.variants(with_jit=True, without_jit=True)
  @parameterized.parameters(*NAMES)
  def test_matches_a_loop(self, name):
    sides = adversarial.LOSSES[name][:2]
    both = self.variant(lambda real, fake: [side(real, fake) for side in sides])
    for real, fake in [(REAL, FAKE), (REAL[:, 0], FAKE[:, 0])]:
      got = both(real, fake)
      chex.assert_shape(got, ())
      want = oracles.adversarial_loss(name, real, fake)
      np.testing.assert_allclose(got, want, rtol=1e-5)

  @parameterized.parameters(*FORMS)
  def test_gradients_match_finite_differences_of_the_loop(self, name, form):
    def naive(real, fake):
      disc, gen = oracles.adversarial_loss(name, real, fake)
      if form == 'minimax':
        gen = -disc if name == 'rsgan' else -np.log1p(np.exp(fake)).mean()
      return np.array([disc, gen])

    got = jax.device_get(_game(name, form)(*WIDE))
    point = WIDE.astype(np.float64)
    for index in np.ndindex(point.shape):
      step = np.zeros_like(point)
      step[index] = 1e-5
      slopes = (naive(*(point + step)) - naive(*(point - step))) / 2e-5
      which, position = index
      for (_, grads), slope in zip(got, slopes):
        np.testing.assert_allclose(
          grads[which][position], slope, rtol=1e-4, atol=1e-6
        )

  @parameterized.parameters(*NAMES)
  def test_a_step_of_the_discriminator_lowers_its_loss(self, name):
    game = _game(name)
    before, (real, fake) = jax.device_get(game(HIGH, LOW)[0])
    after, _ = game(HIGH - 0.1 * real, LOW - 0.1 * fake)[0]
    self.assertLess(after, before)
    # The step raises real logits and lowers fake ones.
    self.assertLess(np.max(real), 0)
    self.assertGreater(np.min(fake), 0)

  @parameterized.parameters(*FORMS)
  def test_the_generator_raises_fake_logits(self, name, form):
    _, (_, fake) = _game(name, form)(HIGH, LOW)[1]
    self.assertLess(np.max(fake), 0)

  @parameterized.parameters(*FORMS)
  def test_finite_for_huge_logits(self, name, form):
    big = np.array([300, -300, 300, -300], np.float32)
    chex.assert_tree_all_finite(_game(name, form)(big, big[::-1]))

  @parameterized.parameters('rsgan', 'ragan', 'rals', 'rahinge')
  def test_relativistic_losses_depend_on_differences(self, name):
    chex.assert_trees_all_close(
      _game(name)(HIGH + 3, LOW + 3), _game(name)(HIGH, LOW), rtol=1e-5
    )

  def test_only_wgan_gp_has_a_penalty(self):
    weights = {n: loss.penalty for n, loss in adversarial.LOSSES.items()}
    self.assertEqual(weights.pop('wgan-gp'), 10)
    self.assertEqual(set(weights.values()), {0})

  def test_shapes(self):
    for side in adversarial.LOSSES['rsgan'][:2]:
      with self.assertRaises(AssertionError):
        side(REAL, FAKE[:2])


class RelativisticTest(chex.TestCase):
  def test_log_two_at_equality(self):
    for value, _ in _game('rsgan')(HIGH, HIGH):
      np.testing.assert_allclose(value, np.log(2), rtol=1e-6)

  def test_minimax_negates_the_discriminator_loss(self):
    (disc, disc_grads), (gen, gen_grads) = jax.device_get(
      _game('rsgan', 'minimax')(HIGH, LOW)
    )
    np.testing.assert_allclose(gen, -disc, rtol=1e-6)
    np.testing.assert_allclose(gen_grads[1], -disc_grads[1], rtol=1e-6)

  def test_gradients_of_the_two_forms(self):
    sigmoid = 1 / (1 + np.exp(WIDE[1] - WIDE[0]))
    for form, want in [('nonsat', sigmoid), ('minimax', 1 - sigmoid)]:
      _, (_, got) = _game('rsgan', form)(*WIDE)[1]
      np.testing.assert_allclose(got, -want / 4, rtol=1e-5)


class SwitchesTest(chex.TestCase):
  def test_standard_minimax_equals_js(self):
    self.assertIs(
      adversarial.adversarial_loss('standard', 'minimax'),
      adversarial.LOSSES['js'],
    )

  @parameterized.parameters(*NAMES)
  def test_mean_over_representations_first(self, name):
    got = adversarial.adversarial_loss(name, reduce='mean')
    if name == 'rsgan':
      want = oracles.adversarial_loss(name, REAL, FAKE)
    else:
      want = oracles.adversarial_loss(name, REAL.mean(1), FAKE.mean(1))
    np.testing.assert_allclose(
      [side(REAL, FAKE) for side in got[:2]], want, rtol=1e-5
    )
    self.assertEqual(got.penalty, adversarial.LOSSES[name].penalty)

  @parameterized.parameters(
    ({'name': 'rsgna'}, "game.loss='rsgna' is unknown; did you mean 'rsgan'"),
    ({'name': 'wgan'}, "mean 'wgan-gp'"),
    ({'name': 'ls', 'form': 'minimax'}, 'rsgan and standard'),
    ({'name': 'rsgan', 'form': 'saturating'}, "game.form='sat.*nonsat"),
    ({'name': 'rsgan', 'reduce': 'sum'}, "game.reduce='sum.*elementwise"),
  )
  def test_bad_settings(self, settings, words):
    with self.assertRaisesRegex(UserError, words):
      adversarial.adversarial_loss(**settings)


class GradientPenaltyTest(chex.TestCase):
  """Compares with the penalty computed in the one-hot space [B, T, V]."""

  def setUp(self):
    super().setUp()
    rng = np.random.RandomState(1)
    tokens = rng.randint(7, size=(4, 5))
    self.real = np.eye(7, dtype=np.float32)[tokens]
    self.fake = rng.dirichlet(np.ones(7), size=(4, 5)).astype(np.float32)
    self.embedding = rng.randn(7, 3).astype(np.float32)
    self.weights = rng.randn(15, 6).astype(np.float32)

  def _score(self, weights, embedded):
    hidden = jnp.tanh(embedded.reshape(-1, 15) @ weights)
    return jnp.mean(hidden**2, axis=1)

  def _penalty(self, embedding, weights):
    return adversarial.gradient_penalty(
      lambda embedded: self._score(weights, embedded),
      self.real @ embedding,
      self.fake @ embedding,
      embedding.T @ embedding,
      jax.random.key(3),
    )

  def _naive(self, embedding, weights):
    alpha = jax.random.uniform(jax.random.key(3), (4, 1, 1))
    total = 0.0
    for i in range(4):
      mixed = alpha[i] * self.real[i] + (1 - alpha[i]) * self.fake[i]
      grad = jax.grad(lambda x: self._score(weights, (x @ embedding)[None])[0])
      total += (jnp.linalg.norm(grad(mixed)) - 1) ** 2
    return total / 4

  @chex.variants(with_jit=True, without_jit=True)
  def test_value(self):
    args = self.embedding, self.weights
    got = self.variant(self._penalty)(*args)
    want = jax.jit(self._naive)(*args)
    np.testing.assert_allclose(got, want, rtol=1e-5)

  def test_gradients_of_embedding_and_weights(self):
    args = self.embedding, self.weights
    got = jax.jit(jax.grad(self._penalty, argnums=(0, 1)))(*args)
    want = jax.jit(jax.grad(self._naive, argnums=(0, 1)))(*args)
    chex.assert_trees_all_close(got, want, rtol=1e-4, atol=1e-5)

  def test_linear_critics(self):
    @jax.jit
    @jax.value_and_grad
    def penalty(slope):
      return adversarial.gradient_penalty(
        lambda x: slope * x[:, 0, 0],
        jnp.ones((4, 5, 3)),
        jnp.zeros((4, 5, 3)),
        jnp.eye(3),
        jax.random.key(0),
      )

    # Slope one has zero penalty; a constant critic has one, and a gradient.
    np.testing.assert_allclose(penalty(1.0)[0], 0, atol=1e-10)
    np.testing.assert_allclose(penalty(3.0), (4, 4), rtol=1e-5)
    np.testing.assert_allclose(penalty(0.0)[0], 1, rtol=1e-5)
    self.assertTrue(np.isfinite(penalty(0.0)[1]))


LABELS = np.array([0, 2, 0, 2, 2])
BY_CLASS = np.random.RandomState(0).randn(2, 5, 2).astype(np.float32)


@pytest.mark.parametrize('reduce', ['elementwise', 'mean'])
@pytest.mark.parametrize('name', NAMES)
def test_loss_by_class_is_the_sum_of_the_losses_of_the_classes(name, reduce):
  real, fake = BY_CLASS
  by_class = adversarial.loss_by_class(name, jnp.asarray(LABELS), 4, reduce)
  got = jax.jit(lambda a, b: [side(a, b) for side in by_class[:2]])(real, fake)
  plain = adversarial.adversarial_loss(name, reduce=reduce)
  want = np.zeros(2)
  for label in (0, 2):
    rows = label == LABELS
    want += [float(side(real[rows], fake[rows])) for side in plain[:2]]
  np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)
