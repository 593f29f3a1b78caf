"""MaskGAN where all fillings can be enumerated."""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
import trees

from moegan_jax import decode, systems
from moegan_jax.nets.masked import masked
from moegan_jax.ops import random
from moegan_jax.ops.ends import end_mask, padded
from moegan_jax.systems import maskgan, paper_networks
from moegan_jax.systems.masking import masked_game
from moegan_jax.types import Batch, Spec

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
V, T, B = 3, 3, 4
KEYS = 6000
ALL = jnp.asarray([*itertools.product(range(V), repeat=T)], jnp.int32)
RNG = np.random.RandomState(0)
REAL = Batch(jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32))
MANY = Batch(jnp.tile(REAL.tokens, (8, 1)))
KEY = jax.random.key(3)
# With present = 1/3 a mask hides tokens 0 and 1, or 1 and 2, or all.
MASKS = (([0, 0, 1], 0.25), ([1, 0, 0], 0.25), ([0, 0, 0], 0.5))
ENDS = pytest.mark.parametrize('pad', [None, 0])


def settings(**changes):
  c = toys.settings('maskgan', adversarial__batch=B, mle__batch=B)
  return toys.change(c, maskgan__present=1 / 3, **changes)


@functools.cache
def game(pad=None, discount=1.0, clip=math.inf):
  """Returns the game and a state with parameters far from zero."""
  c, spec = settings(), Spec(V, T, 20, pad)
  made = masked_game(
    paper_networks.masked_generator(spec, **c.generator),
    paper_networks.masked_critic(spec, **c.discriminator),
    spec,
    mask='contiguous',
    present=1 / 3,
    whole=0.5,
    discount=discount,
    clip=clip,
    unroll=1,
  )
  state = jax.jit(systems.build(c, spec).init)(jax.random.key(0))
  return made, state.replace(players=trees.noisy(state.players))


def rewards(made, phi, context, tokens, hidden):
  """Returns r_t of filled text, 0 where nothing counts."""
  text = padded(tokens, made.spec.pad)
  logits = made.disc.judge(phi, context, text, None).logits
  counted = hidden & end_mask(tokens, made.spec.pad)
  return jnp.where(counted, jnp.log(jax.nn.sigmoid(logits) + 1e-7), 0)


def expected_reward(made, phi, params):
  """Returns the mean over masks and fillings of the summed rewards."""
  total = 0.0
  for row in REAL.tokens:
    for given, share in MASKS:
      given = jnp.asarray(given, bool)
      agrees = jnp.where(given[None], row[None] == ALL, True).all(1)
      context = masked(row, given, V)
      context = jnp.broadcast_to(context[None], ALL.shape)
      each = made.log_probs(params, ALL, context)
      p = jnp.exp(jnp.where(given[None], 0, each).sum(1))
      gain = rewards(made, phi, context, ALL, ~given[None]).sum(1)
      total += share * jnp.sum(jnp.where(agrees, p * gain, 0))
  return total / B


@pytest.mark.parametrize('pad', [pytest.param(None, marks=pytest.mark.slow), 0])
def test_mean_of_the_estimator_is_the_gradient_of_the_expected_reward(pad):
  made, state = game(pad)
  phi = state.players['discriminator'].params
  params = state.players['generator'].params
  loss = maskgan.generator_loss(made, 'sequence')
  keys = jax.random.split(jax.random.key(5), KEYS)
  found = jax.jit(
    jax.vmap(lambda key: jax.grad(loss, has_aux=True)(params, state, MANY, key))
  )(keys)[0]
  cost = functools.partial(expected_reward, made, phi)
  exact = jax.jit(jax.grad(lambda params: -cost(params)))(params)
  largest = 0.0
  for values, want in zip(
    jax.tree.leaves(found), jax.tree.leaves(exact), strict=True
  ):
    error = values.std(0) / np.sqrt(KEYS)
    assert (abs(values.mean(0) - want) <= 4.5 * error + 1e-6).all()
    largest = max(largest, float((abs(want) / (error + 1e-6)).max()))
  assert largest > 20, 'the errors are too large for a comparison'


def test_updates_of_the_generator_raise_the_expected_reward():
  made, state = game()
  phi = state.players['discriminator'].params
  c = settings(adversarial__g_lr=0.01)
  phase = systems.build(c, Spec(V, T, 20)).phases['adversarial']
  update = phase.parts['generator']
  state = phase.enter(state)
  batches = Batch(MANY.tokens[None])

  def body(state, i):
    key = jax.random.fold_in(KEY, i)
    return update.apply(state, batches, key)[0], None

  value = jax.jit(functools.partial(expected_reward, made, phi))
  before = value(state.players['generator'].params)
  state, _ = jax.jit(lambda s: jax.lax.scan(body, s, jnp.arange(400)))(state)
  assert value(state.players['generator'].params) > before + 0.1


def test_advantages_are_clipped():
  _, state = game()
  params = state.players['generator'].params
  norms = []
  for clip in (math.inf, 1e-3):
    made, _ = game(clip=clip)
    loss = maskgan.generator_loss(made, 'sum')
    grads, _ = jax.grad(loss, has_aux=True)(params, state, REAL, KEY)
    norms.append(max(float(abs(x).max()) for x in jax.tree.leaves(grads)))
  assert norms[1] < 0.05 * norms[0]


@ENDS
def test_losses_of_the_discriminator_equal_the_loops(pad):
  made, state = game(pad, discount=0.5)
  phi = state.players['discriminator'].params
  value, metrics = maskgan.discriminator_loss(made)(phi, state, REAL, KEY)
  k_fill, k_real, k_fake = jax.random.split(KEY, 3)
  filled = made.fill(state, REAL.tokens, k_fill)
  real = made.disc.judge(phi, filled.context, REAL.tokens, k_real)
  fake = made.disc.judge(phi, filled.context, filled.text, k_fake)
  values = np.asarray(made.disc.value(phi, fake.before))
  ours, theirs, errors = [], [], []
  for b in range(B):
    to_go = 0.0
    for t in reversed(range(T)):
      p_real, p_fake = (
        1 / (1 + math.exp(-float(x.logits[b, t]))) for x in (real, fake)
      )
      hidden = int(filled.context[b, t]) == V + 1

      def written(row, t=t):
        return pad is None or pad not in row[:t].tolist()

      if hidden and written(np.asarray(REAL.tokens[b])):
        ours.append(-math.log(p_real))
      to_go *= 0.5
      if hidden and written(np.asarray(filled.text[b])):
        theirs.append(-math.log(1 - p_fake))
        to_go += math.log(p_fake + 1e-7)
        errors.append((to_go - values[b, t]) ** 2)
  want = (np.mean(ours) + np.mean(theirs)) / 2
  np.testing.assert_allclose(metrics['d_loss'], want, rtol=1e-4)
  np.testing.assert_allclose(metrics['critic_loss'], np.mean(errors), rtol=1e-4)
  np.testing.assert_allclose(value, want + np.mean(errors), rtol=1e-4)


def test_error_of_the_critic_trains_the_critic_only():
  made, state = game()
  phi = state.players['discriminator'].params
  loss = maskgan.discriminator_loss(made)

  def critic_error(phi):
    return loss(phi, state, REAL, KEY)[1]['critic_loss']

  grads = jax.grad(critic_error)(phi)
  for group, grad in grads.items():
    moved = any(bool(x.any()) for x in jax.tree.leaves(grad))
    assert moved == (group == 'critic'), group


def test_verdicts_and_values_depend_on_the_prefix():
  made, state = game()
  phi = state.players['discriminator'].params
  context = masked(REAL.tokens, jnp.zeros((B, T), bool), V)

  def outcome(tokens):
    judged = made.disc.judge(phi, context, tokens, None)
    return judged.logits, made.disc.value(phi, judged.before)

  logits, values = outcome(REAL.tokens)
  for t in range(T):
    changed = REAL.tokens.at[:, t].set((REAL.tokens[:, t] + 1) % V)
    new_logits, new_values = outcome(changed)
    np.testing.assert_array_equal(new_logits[:, :t], logits[:, :t])
    assert (new_logits[:, t] != logits[:, t]).all()
    # The baseline of token t must not read token t.
    np.testing.assert_array_equal(new_values[:, : t + 1], values[:, : t + 1])
    if t + 1 < T:
      assert (new_values[:, t + 1] != values[:, t + 1]).all()


def test_samples_keep_given_tokens_and_read_all_of_them():
  made, state = game()
  params = state.players['generator'].params
  given = jnp.broadcast_to(jnp.asarray([False, True, True])[None], (50, T))
  firsts = []
  for last in (0, 2):
    prefix = jnp.broadcast_to(jnp.asarray([-1, 1, last])[None], (50, T))
    context = masked(prefix, given, V)
    tokens = made.sample(state, KEY, 50, prefix=prefix, given=given)
    assert (tokens[:, 1:] == jnp.asarray([1, last])[None]).all()
    want = decode.sample(
      made.gen,
      params,
      random.row_keys(KEY, 50),
      length=T,
      prefix=prefix,
      given=given,
      context=context,
    )
    np.testing.assert_array_equal(tokens, want.tokens)
    logits = decode.teacher_force(made.gen, params, tokens, context=context)
    firsts.append(logits[0, 0])
  # The first token is conditioned on the last one.
  assert (abs(firsts[0] - firsts[1]) > 1e-4).any()
  plain = made.sample(state, KEY, 50)
  system = systems.build(settings(), Spec(V, T, 20))
  np.testing.assert_array_equal(plain, system.sample(state, KEY, 50))


def test_likelihood_counts_masked_tokens():
  made, state = game()
  params = state.players['generator'].params
  value, _ = maskgan.infilling_loss(made)(params, state, REAL, KEY)
  given = np.asarray(made.given(KEY, B))
  context = masked(REAL.tokens, jnp.asarray(given), V)
  logits = decode.teacher_force(made.gen, params, REAL.tokens, context=context)
  each = np.asarray(jax.nn.log_softmax(logits))
  terms = [
    -each[b, t, REAL.tokens[b, t]]
    for b in range(B)
    for t in range(T)
    if not given[b, t]
  ]
  np.testing.assert_allclose(value, np.mean(terms), rtol=1e-5)


def test_the_critic_has_a_learning_rate_of_its_own():
  c = settings(maskgan__critic_lr=1e-9, adversarial__d_lr=1e-2)
  phase = systems.build(c, Spec(V, T, 20)).phases['adversarial']
  state = phase.enter(game()[1])
  batches = Batch(jnp.tile(REAL.tokens, (phase.update.batches, 1, 1)))
  after, _ = jax.jit(phase.update.apply)(state, batches, KEY)
  old, new = (s.players['discriminator'].params for s in (state, after))
  moved = {
    group: max(
      float(abs(a - b).max())
      for a, b in zip(jax.tree.leaves(old[group]), jax.tree.leaves(new[group]))
    )
    for group in old
  }
  assert moved['critic'] < 1e-7 < 1e-3 < moved['logit']
