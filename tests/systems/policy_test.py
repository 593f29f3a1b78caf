"""Exactness of policy gradients, where all sequences can be enumerated."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rewards
import toys
import trees
from enumerable import ALL, B, T, V, game

from moegan_jax import decode, systems
from moegan_jax.losses.policy_gradient import reward_metrics
from moegan_jax.ops.ends import end_mask, padded
from moegan_jax.systems.policy_gan import policy_gan
from moegan_jax.systems.rollout_policy import AVERAGE, rollout_policy
from moegan_jax.types import Batch, Spec

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
KEYS = 4000
RNG = np.random.RandomState(0)
TABLE = jnp.asarray(RNG.randn(V, V, V), jnp.float32)
BATCH = Batch(jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32))
ENDS = pytest.mark.parametrize('pad', [None, 0])


def table(tokens):
  """Returns a fixed reward of each sequence."""
  return TABLE[tokens[:, 0], tokens[:, 1], tokens[:, 2]]


def log_q(gan, params, pad):
  """Returns log G of the texts of all sequences, up to their ends."""
  each = gan.log_probs(params, ALL)
  return jnp.where(end_mask(ALL, pad), each, 0).sum(1)


def estimates(gan, state, weigh):
  """Returns the gradient for many keys, a dict of arrays [KEYS, ...]."""
  loss = gan.generator_loss(weigh)
  params = state.players['generator'].params
  keys = jax.random.split(jax.random.key(5), KEYS)
  grads = jax.jit(
    jax.vmap(
      lambda key: jax.grad(loss, has_aux=True)(params, state, BATCH, key)
    )
  )
  return grads(keys)[0]


def assert_unbiased(found, exact):
  """Compares the mean over keys with the exact gradient, within 4 errors."""
  largest = 0.0
  for values, want in zip(
    jax.tree.leaves(found), jax.tree.leaves(exact), strict=True
  ):
    error = values.std(0) / np.sqrt(KEYS)
    deviation = abs(values.mean(0) - want)
    assert (deviation <= 4 * error + 1e-6).all()
    largest = max(largest, float((abs(want) / (error + 1e-6)).max()))
  assert largest > 20, 'the errors are too large for a comparison'


@ENDS
@pytest.mark.parametrize('baseline', ['none', 'batch'])
def test_mean_of_the_estimator_is_the_gradient_of_the_expected_reward(
  baseline, pad
):
  gan, state = game(pad)
  gan = gan._replace(baseline=baseline)
  beta = rollout_policy(policy='live', samples=2, chunk=1)

  def score(tokens):
    return table(padded(tokens, pad))

  def weigh(state, batch, drawn, key):
    return beta.returns(gan, state, drawn, score, key), {}

  def cost(params):
    # Sequences with the same text have the same reward; their tails sum to 1.
    p = jnp.exp(gan.log_probs(params, ALL).sum(1))
    return -jnp.sum(p * score(ALL))

  exact = jax.jit(jax.grad(cost))(state.players['generator'].params)
  assert_unbiased(estimates(gan, state, weigh), exact)


def test_baseline_removes_a_constant_reward():
  gan, state = game()
  params = state.players['generator'].params

  def gradient(baseline, constant):
    def weigh(state, batch, drawn, key):
      return table(drawn.text)[:, None] + jnp.full((B, T), constant), {}

    loss = gan._replace(baseline=baseline).generator_loss(weigh)
    key = jax.random.key(1)
    return jax.grad(loss, has_aux=True)(params, state, BATCH, key)[0]

  for baseline, equal in (('batch', True), ('none', False)):
    pairs = zip(
      jax.tree.leaves(gradient(baseline, 0.0)),
      jax.tree.leaves(gradient(baseline, 2.0)),
      strict=True,
    )
    assert all(np.allclose(a, b, atol=1e-5) for a, b in pairs) == equal


@ENDS
def test_reward_log_p_over_q_descends_the_divergence(pad):
  """REINFORCE with reward log(p / q) has the gradient of KL(q || p)."""
  gan, state = game(pad)
  log_p = jax.nn.log_softmax(3 * TABLE.ravel())
  params = state.players['generator'].params

  def log_ratio(q, tokens):
    index = tokens @ jnp.asarray([V * V, V, 1])
    return (log_p[index] - q)[:, None]

  def weigh(state, batch, drawn, key):
    del batch, key
    params = state.players['generator'].params
    each = gan.log_probs(params, drawn.text)
    q = jnp.where(drawn.written, each, 0).sum(1)
    return jnp.broadcast_to(log_ratio(q, drawn.text), drawn.text.shape), {}

  def divergence(params):
    whole = jnp.exp(gan.log_probs(params, ALL).sum(1))
    ratios = log_ratio(log_q(gan, params, pad), padded(ALL, pad))
    return -jnp.sum(whole * ratios[:, 0])

  exact = jax.jit(jax.grad(divergence))(params)
  assert_unbiased(estimates(gan, state, weigh), exact)


def test_negated_rewards_negate_the_gradient():
  gan, state = game()
  beta = rollout_policy(policy='ema', samples=2, chunk=1, rate=0.8)
  params = state.players['generator'].params

  @jax.jit
  def gradient(sign):
    def weigh(state, batch, drawn, key):
      score = lambda tokens: sign * table(tokens)  # noqa: E731
      return beta.returns(gan, state, drawn, score, key), {}

    loss = gan.generator_loss(weigh)
    return jax.grad(loss, has_aux=True)(
      params, state, BATCH, jax.random.key(1)
    )[0]

  trees.assert_negated(gradient(1.0), gradient(-1.0))


@pytest.mark.parametrize('policy', ['live', 'ema'])
def test_a_reward_depends_on_its_prefix_and_its_key_only(policy):
  gan, state = game()
  rate = {'rate': 0.8} if policy == 'ema' else {}
  beta = rollout_policy(policy=policy, samples=6, chunk=2, **rate)
  draw = jax.jit(lambda key: gan.draw(state, B, key))

  @jax.jit
  def returns(drawn):
    score = functools.partial(gan.probability, state)
    return beta.returns(gan, state, drawn, score, jax.random.key(7))

  drawn, other = draw(jax.random.key(4)), draw(jax.random.key(2))
  before = np.asarray(returns(drawn))
  assert len(np.unique(before)) == before.size
  rewards.assert_own_prefixes_only(returns, drawn, other, V)


def test_average_completes_from_states_of_its_own():
  """Compares with a generator that has the parameters of the average."""
  gan, state = game()
  drawn = gan.draw(state, B, jax.random.key(1))
  score = functools.partial(gan.probability, state)
  options = {'samples': 2, 'chunk': 2}

  def returns(policy, state, drawn, **rate):
    beta = rollout_policy(policy=policy, **options, **rate)
    return beta.returns(gan, state, drawn, score, jax.random.key(7))

  got = returns('ema', state, drawn, rate=0.8)
  own = state.memory[AVERAGE]
  player = state.players['generator'].replace(params=own)
  alone = state.replace(players=state.players | {'generator': player})
  given = decode.sample(
    gan.train.gen,
    own,
    drawn.row_keys,
    length=T,
    prefix=drawn.sampled.tokens,
    given=jnp.ones((B, T), bool),
    states=True,
    choose=decode.by_inversion,
  )
  want = returns('live', alone, drawn._replace(sampled=given))
  np.testing.assert_array_equal(got, want)
  assert (got != returns('live', state, drawn)).any()


def test_positions_after_the_end_have_no_weight():
  gan, state = game(pad=0)
  params = state.players['generator'].params

  @jax.jit
  def gradient(inside, at_end, after):
    def weigh(state, batch, drawn, key):
      del state, batch, key
      is_end = drawn.written & (drawn.text == 0)
      weights = jnp.where(drawn.written, inside, after)
      return jnp.where(is_end, at_end, weights), {}

    loss = gan.generator_loss(weigh)
    key = jax.random.key(1)
    return jax.grad(loss, has_aux=True)(params, state, BATCH, key)[0]['head']

  drawn = gan.draw(state, B, jax.random.split(jax.random.key(1))[0])
  assert not drawn.written.all() and drawn.written[:, 0].all()
  np.testing.assert_array_equal(drawn.text == 0, drawn.text <= ~drawn.written)
  one = gradient(1.0, 1.0, 0.0)
  for value in (-1.0, 1e6):
    same = gradient(1.0, 1.0, value)
    np.testing.assert_array_equal(one['kernel'], same['kernel'])
  assert (one['kernel'] != gradient(1.0, 2.0, 0.0)['kernel']).any()


def test_discriminator_reads_padding_after_the_end():
  gan, state = game(pad=0)
  gan_without, _ = game()
  same = jnp.asarray([[1, 0, 0], [1, 0, 2], [1, 0, 1]], jnp.int32)
  values = np.asarray(gan.probability(state, same))
  assert len(set(values.tolist())) == 1
  values = np.asarray(gan_without.probability(state, same))
  assert len(set(values.tolist())) == 3


def test_average_follows_the_generator():
  c = toys.settings('seqgan', adversarial__batch=B, mle__batch=B)
  phase = systems.build(c, Spec(V, T, 20)).phases['adversarial']
  _, state = game()
  entered = phase.enter(state)
  before = state.players['generator'].params
  for a, b in zip(
    jax.tree.leaves(entered.memory[AVERAGE]), jax.tree.leaves(before)
  ):
    np.testing.assert_array_equal(a, b)
  tokens = jnp.zeros((phase.update.batches, B, T), jnp.int32)
  after, _ = jax.jit(phase.update.apply)(
    entered, Batch(tokens), jax.random.key(0)
  )
  new, average = after.players['generator'].params, after.memory[AVERAGE]
  np.testing.assert_array_equal(average['embed'], new['embed'])
  old, new = before['head']['kernel'], new['head']['kernel']
  np.testing.assert_allclose(
    average['head']['kernel'], 0.8 * old + 0.2 * new, rtol=1e-5
  )
  assert (old != new).any()


def test_filters_wider_than_the_text_are_left_out():
  c = toys.settings(
    'seqgan',
    mle__batch=B,
    adversarial__batch=B,
    discriminator__widths=(1, 9, 2),
    discriminator__filters=(4, 5, 6),
  )
  body = jax.eval_shape(
    policy_gan(c, Spec(V, T, 20), 'sum').disc.init, jax.random.key(0)
  )
  kernels = {k: x.shape for k, x in body['body'].items() if 'kernel_' in k}
  assert kernels == {'kernel_1': (1, 4, 4), 'kernel_2': (2, 4, 6)}


def test_reward_metrics_count_the_text_only():
  rewards = jnp.asarray([[0.5, 0.25, -9.0], [1.0, 9.0, 9.0]])
  counted = jnp.asarray([[True, True, False], [True, False, False]])
  got = reward_metrics(rewards, counted)
  values = np.asarray([0.5, 0.25, 1.0])
  want = {'mean': values.mean(), 'std': values.std(), 'min': 0.25, 'max': 1.0}
  assert got.keys() == {f'reward_{name}' for name in want}
  for name, value in want.items():
    np.testing.assert_allclose(got[f'reward_{name}'], value, rtol=1e-6)
