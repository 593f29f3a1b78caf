"""The losses of MaliGAN against loops, and what it converges to."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
import trees

from moegan_jax import systems
from moegan_jax.systems import maligan
from moegan_jax.systems.policy_gan import policy_gan
from moegan_jax.types import Batch, Spec

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
V, T, B, N = 3, 3, 4, 2
HORIZON = 6
RNG = np.random.RandomState(0)
REAL = Batch(jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32))
FORMS = {
  'basic': {'form': 'basic'},
  'mixed': {'form': 'mixed', 'samples': N},
}


@functools.cache
def game():
  """Returns a PolicyGAN and a state with parameters far from zero."""
  c = toys.settings('maligan', adversarial__batch=B, mle__batch=B)
  spec = Spec(V, T, 20)
  gan = policy_gan(c, spec, 'sum')
  state = jax.jit(systems.build(c, spec).init)(jax.random.key(0))
  return gan, state.replace(players=trees.noisy(state.players))


@functools.cache
def loss(form, clip=1e-3):
  gan, _ = game()
  made = maligan.generator_loss(gan, clip=clip, horizon=HORIZON, **FORMS[form])
  return jax.jit(made)


def played(form, iteration, clip=1e-3):
  """Returns the loss, its metrics, and the samples that it draws."""
  gan, state = game()
  state = state.replace(step=jnp.int32(gan.start + iteration))
  params = state.players['generator'].params
  key = jax.random.key(1)
  value, metrics = loss(form, clip)(params, state, REAL, key)
  given = {}
  kept = round(T * (1 - min(1, iteration / HORIZON)))
  prefix = REAL.tokens
  if form == 'mixed':
    prefix = jnp.repeat(prefix, N, axis=0)
    mask = jnp.broadcast_to(jnp.arange(T) < kept, prefix.shape)
    given = {'prefix': prefix, 'given': mask}
  drawn = gan.draw(state, len(prefix), jax.random.split(key)[0], **given)
  log_probs = np.asarray(gan.log_probs(params, drawn.text), np.float64)
  verdicts = np.asarray(gan.probability(state, drawn.text), np.float64)
  return float(value), metrics, drawn.text, log_probs, verdicts, kept


@pytest.mark.parametrize('clip', [1e-3, 0.4])
@pytest.mark.parametrize('iteration', [0, 2, 6, 9])
def test_basic_loss_equals_the_loop(iteration, clip):
  value, metrics, _, log_probs, verdicts, _ = played('basic', iteration, clip)
  b = min(1, iteration / HORIZON)
  limited = np.clip(verdicts, clip, 1 - clip)
  ratios = [d / (1 - d) for d in limited]
  want = 0.0
  for i in range(B):
    want -= (ratios[i] / sum(ratios) - b / B) * log_probs[i].sum()
  np.testing.assert_allclose(value, want, rtol=1e-4, atol=1e-5)
  np.testing.assert_allclose(metrics['baseline'], b, rtol=1e-6)
  np.testing.assert_allclose(metrics['reward_mean'], limited.mean(), rtol=1e-5)


@pytest.mark.parametrize('iteration', [0, 2, 4, 6, 9])
def test_mixed_loss_equals_the_loop(iteration):
  value, metrics, text, log_probs, verdicts, kept = played('mixed', iteration)
  b = min(1, iteration / HORIZON)
  assert kept == {0: 3, 2: 2, 4: 1, 6: 0, 9: 0}[iteration]
  np.testing.assert_array_equal(
    text[:, :kept], np.repeat(REAL.tokens, N, axis=0)[:, :kept]
  )
  ratios = np.clip(verdicts, 1e-3, 1 - 1e-3)
  ratios = (ratios / (1 - ratios)).reshape(B, N)
  log_probs = log_probs.reshape(B, N, T)
  want = 0.0
  for i in range(B):
    want -= log_probs[i, 0, :kept].sum() / B
    for j in range(N):
      weight = ratios[i, j] / ratios[i].sum() - b / N
      want -= weight * log_probs[i, j, kept:].sum() / B
  np.testing.assert_allclose(value, want, rtol=1e-4, atol=1e-5)
  assert metrics['given'] == kept


def test_mixed_loss_begins_as_likelihood():
  gan, state = game()
  value, *_ = played('mixed', 0)
  each = gan.log_probs(state.players['generator'].params, REAL.tokens)
  np.testing.assert_allclose(value, -each.sum(1).mean(), rtol=1e-5)


@pytest.mark.parametrize('iteration', [0, 6])
def test_many_samples_fit_the_reweighted_generator(iteration):
  """The gradient tends to that of -sum q log G, q in proportion to r G."""
  gan, state = game()
  state = state.replace(step=jnp.int32(gan.start + iteration))
  params = state.players['generator'].params
  everything = jnp.asarray([*itertools.product(range(V), repeat=T)], jnp.int32)
  d = jnp.clip(gan.probability(state, everything), 1e-3, 1 - 1e-3)
  p = jnp.exp(gan.log_probs(params, everything).sum(1))
  q = p * d / (1 - d)
  q = q / q.sum()

  def cost(params):
    return -jnp.sum(q * gan.log_probs(params, everything).sum(1))

  exact = jax.grad(cost)(params)
  made = maligan.generator_loss(gan, form='basic', clip=1e-3, horizon=HORIZON)
  n = 20_000
  many = Batch(jnp.zeros((n, T), jnp.int32))
  found, _ = jax.jit(jax.grad(made, has_aux=True))(
    params, state, many, jax.random.key(2)
  )
  a, b = (
    np.concatenate([np.ravel(x) for x in jax.tree.leaves(tree)])
    for tree in (exact, found)
  )
  # The error of a mean of n samples is 1/141 of their deviation.
  assert np.linalg.norm(a - b) < 0.08 * np.linalg.norm(a)
