"""Tests the loss of a discriminator that learns on pools."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from enumerable import ALL, B, T, V, game

from moegan_jax import config, decode
from moegan_jax.systems.policy_gan import policy_gan
from moegan_jax.systems.pools import Labelled
from moegan_jax.types import Batch, Spec

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')


@pytest.mark.parametrize('kind', ['cnn', 'recurrent'])
def test_penalty_reads_the_logit_layer_of_any_discriminator(kind):
  spec, rows = Spec(5, 6, 20), 4
  tokens = np.random.RandomState(0).randint(5, size=(rows, 6))
  batch = Labelled(jnp.asarray(tokens, jnp.int32), jnp.arange(rows) < 2)
  c = toys.settings('seqgan', mle__batch=rows, adversarial__batch=rows)
  config.select(c, 'discriminator', kind=kind)
  penalised = toys.change(c, discriminator__l2=0.5)
  phi = policy_gan(c, spec, 'sum').disc.init(jax.random.key(0))
  plain, with_penalty = (
    policy_gan(each, spec, 'sum').cross_entropy()(phi, None, batch, None)[0]
    for each in (toys.change(c, discriminator__l2=0.0), penalised)
  )
  layer = phi['logit'] if kind == 'recurrent' else phi['body']['logit']
  squares = sum(np.sum(np.square(x)) for x in jax.tree.leaves(layer))
  assert squares > 1e-4
  np.testing.assert_allclose(with_penalty - plain, 0.5 * squares / 4, rtol=1e-3)


def test_pool_update_equals_the_loop():
  gan, state = game()
  n, used = gan.negatives, 2  # 10 rows make two batches of 4
  update = gan.discriminator_update(gan.cross_entropy())
  assert update.batches == 2
  real = jnp.asarray(
    np.random.RandomState(0).randint(V, size=(2, B, T)), jnp.int32
  )
  key = jax.random.key(3)
  got, metrics = jax.jit(update.apply)(state, Batch(real), key)

  k_fake, k_passes = jax.random.split(key)
  rows = [jax.random.fold_in(k_fake, i) for i in range(2 * B)]
  words = jnp.stack([jax.random.key_data(k) for k in rows])
  # Row i of batch j has key 2 i + j.
  words = jnp.concatenate([words[0::2], words[1::2]])[:n]
  fake = decode.sample(
    gan.train.gen,
    state.players['generator'].params,
    words,
    length=T,
    choose=decode.by_inversion,
  ).tokens
  pool = np.concatenate([real.reshape(-1, T)[:n], fake])
  phi = state.players['discriminator'].params
  adam = gan.train.d_adam
  moments = state.players['discriminator'].opt_state
  grad = jax.jit(jax.grad(gan.cross_entropy(), has_aux=True))
  for turn in range(gan.passes):
    k_pass = jax.random.fold_in(k_passes, turn)
    k_order, k_steps = jax.random.split(k_pass)
    order = np.asarray(jax.random.permutation(k_order, 2 * n))
    assert sorted(order) == list(range(2 * n))
    losses, logits = [], {True: [], False: []}
    for i in range(used):
      chosen = order[i * B : (i + 1) * B]
      batch = Labelled(jnp.asarray(pool[chosen]), jnp.asarray(chosen < n))
      k_step = jax.random.fold_in(k_steps, i)
      grads, one = grad(phi, state, batch, k_step)
      steps, moments = adam.update(grads, moments, phi)
      phi = jax.tree.map(jnp.add, phi, steps)
      losses.append(float(one['d_loss']))
      for row, value in zip(chosen, one['d_logits'], strict=True):
        logits[bool(row < n)].append(float(value))
  after = got.players['discriminator'].params
  for a, b in zip(jax.tree.leaves(after), jax.tree.leaves(phi), strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
  np.testing.assert_allclose(metrics['d_loss'], np.mean(losses), rtol=1e-4)
  for name, value in (('d_real', True), ('d_fake', False)):
    want = np.mean(logits[value])
    np.testing.assert_allclose(metrics[name], want, rtol=1e-4, atol=1e-5)


def test_cross_entropy_equals_the_loop():
  gan, state = game()
  phi = state.players['discriminator'].params
  real = [True, False, False, True]
  batch = Labelled(ALL[:B], jnp.asarray(real))
  value, metrics = gan.cross_entropy()(phi, state, batch, jax.random.key(0))
  terms = []
  for logit, label in zip(np.asarray(metrics['d_logits'], float), real):
    p = 1 / (1 + np.exp(-logit))
    terms.append(-np.log(p if label else 1 - p))
  np.testing.assert_allclose(metrics['d_loss'], np.mean(terms), rtol=1e-5)
  layer = phi['body']['logit']
  squares = sum(float((np.asarray(x) ** 2).sum()) for x in layer.values())
  want = np.mean(terms) + 0.3 * squares / 4
  np.testing.assert_allclose(value, want, rtol=1e-5)
