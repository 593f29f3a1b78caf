"""The penalties, the loss and the discriminator of SentiGAN against loops."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import rewards
import toys
import trees

from moegan_jax import config, decode, systems
from moegan_jax.errors import UserError
from moegan_jax.losses.class_penalty import PENALTIES, expected_penalty
from moegan_jax.losses.likelihood import log_likelihood
from moegan_jax.nets.initializers import initializers
from moegan_jax.systems import sentigan
from moegan_jax.systems.policy_gan import policy_gan
from moegan_jax.systems.pools import Labelled
from moegan_jax.systems.rollout_policy import rollout_policy
from moegan_jax.types import Batch, Spec

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
V, T, B, K = 3, 3, 6, 2
SHARES = (0.4, 0.6)
ALL = jnp.asarray([*itertools.product(range(V), repeat=T)], jnp.int32)
RNG = np.random.RandomState(0)
LABELS = jnp.asarray(RNG.randint(K, size=B), jnp.int32)
REAL = Batch(jnp.asarray(RNG.randint(V, size=(B, T)), jnp.int32), LABELS)
BETA = rollout_policy(policy='live', samples=3, chunk=1)
KEY = jax.random.key(2)
INIT = initializers('seqgan')


def spec(pad=None):
  return Spec(V, T, 20, pad, classes=SHARES)


def settings(**changes):
  c = toys.settings('sentigan', adversarial__batch=B, mle__batch=B)
  return toys.change(
    c,
    pool__negatives=7,
    adversarial__g_lr=0.03,
    adversarial__d_lr=0.03,
    adversarial__anchor=0.0,
    **changes,
  )


@functools.cache
def game(pad=None):
  """Returns a PolicyGAN with D's head and a state far from zero."""
  c = settings(discriminator__dropout=0.0)
  gan = policy_gan(c, spec(pad), 'sequence', classifier=False)
  disc = sentigan.with_class_head(gan.disc, length=T, classes=K, init=INIT)
  system = systems.build(c, spec(pad))
  state = system.init(jax.random.key(0))
  return gan._replace(disc=disc), state.replace(
    players=trees.noisy(state.players)
  )


# --- penalties ----------------------------------------------------------------


def probabilities(phi, tokens):
  """Returns D's K + 1 probabilities of each text, judged alone."""
  gan, _ = game()
  judge = jax.jit(lambda row: gan.critique(phi, row, None).aux)
  logits = np.stack([np.asarray(judge(row[None])[0], float) for row in tokens])
  powers = np.exp(logits - logits.max(1, keepdims=True))
  return powers / powers.sum(1, keepdims=True)


@functools.cache
def weigh(name='own'):
  gan, _ = game()
  return jax.jit(sentigan.penalties(gan, BETA, PENALTIES[name]))


@functools.cache
def draw():
  """Returns the function (key) -> samples of all classes in turn."""
  gan, state = game()
  return jax.jit(lambda key: sentigan.in_turn(gan)(state, REAL, key))


@pytest.mark.parametrize('name', PENALTIES)
def test_penalties_average_the_definition_over_completions(name):
  gan, state = game()
  drawn = draw()(jax.random.key(1))
  labels = np.arange(B) % K
  np.testing.assert_array_equal(drawn.context.argmax(1), labels)
  values, metrics = weigh(name)(state, REAL, drawn, KEY)
  each = probabilities(state.players['discriminator'].params, ALL)
  table = {'own': 1 - each[:, :K], 'fake': np.repeat(each[:, K:], K, 1)}[name]
  assert np.ptp(table) > 0.05
  # The completions of SeqGAN with these rewards, row by row.
  for k in range(K):
    own = jnp.asarray(table[:, k], jnp.float32).reshape(V, V, V)
    expected = BETA.returns(
      gan,
      state,
      drawn,
      lambda x, own=own: own[x[:, 0], x[:, 1], x[:, 2]],
      KEY,
    )
    rows = labels == k
    np.testing.assert_allclose(values[rows], expected[rows], atol=1e-5)
  np.testing.assert_allclose(metrics['reward_mean'], values.mean(), rtol=1e-5)


def test_a_penalty_depends_on_its_own_prefix_only():
  _, state = game()
  drawn, other = draw()(jax.random.key(1)), draw()(jax.random.key(3))
  rewards.assert_own_prefixes_only(
    lambda drawn: weigh()(state, REAL, drawn, KEY)[0], drawn, other, V
  )


# --- the loss of G ------------------------------------------------------------


def naive_loss(gan, params, drawn, values):
  """Returns sum_t G(y_t | y_<t) V_t, token by token, as the paper says."""
  total = 0.0
  for row in range(B):
    text, context = drawn.text[row][None], drawn.context[row][None]
    logits = decode.teacher_force(gan.train.gen, params, text, context=context)
    for t in range(T):
      p = jax.nn.softmax(logits[0, t])[drawn.text[row, t]]
      total += p * values[row, t]
  return total / B


def test_gradient_is_that_of_the_naive_loop():
  gan, state = game()
  params = state.players['generator'].params
  drawn = draw()(jax.random.key(1))
  values = jnp.asarray(RNG.rand(B, T), jnp.float32)
  loss = gan.generator_loss(
    lambda *_: (values, {}), lambda *_: drawn, expected_penalty
  )
  found = jax.jit(jax.grad(lambda p: loss(p, state, REAL, KEY)[0]))(params)
  want = jax.jit(jax.grad(lambda p: naive_loss(gan, p, drawn, values)))(params)
  for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(want), strict=True):
    np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-6)
    assert abs(np.asarray(a)).max() > 1e-4


def test_minimising_lowers_the_probability_of_bad_tokens():
  """A port minimises -p (1 - r), which raises it; see the specification."""
  logits = jnp.zeros((1, 1, V))
  token = jnp.zeros((1, 1), jnp.int32)

  def p_after(penalty):
    def loss(logits):
      log_probs = log_likelihood(logits, token)
      return expected_penalty(log_probs, jnp.full((1, 1), penalty), 'sum')

    return jax.nn.softmax(logits - jax.grad(loss)(logits))[0, 0, 0]

  bad, good, none = p_after(0.9), p_after(0.1), p_after(0.0)
  assert bad < good < none == pytest.approx(1 / V)
  gradient = jax.grad(lambda v: expected_penalty(jnp.log(v), v, 'sum'))(
    jnp.full((1, 1), 0.5)
  )
  assert gradient[0, 0] == 0.5  # no gradient flows through the penalty
  # The gradient of a rare token is bounded, unlike that of its logarithm.
  rare = jnp.full((1, 1), -30.0)
  slope = jax.grad(lambda x: expected_penalty(x, jnp.ones((1, 1)), 'sum'))
  assert slope(rare)[0, 0] < 1e-12


def test_tokens_after_the_end_have_no_loss():
  gan, state = game(pad=0)
  drawn = draw()(jax.random.key(1))
  tokens = jnp.asarray([[1, 0, 2], [1, 0, 1]] * 3, jnp.int32)
  text, written = tokens.at[:, 2].set(0), jnp.asarray([[True, True, False]] * B)
  drawn = drawn._replace(text=text, written=written)
  params = state.players['generator'].params

  def gradient(last):
    values = jnp.ones((B, T)).at[:, 2].set(last)
    loss = gan.generator_loss(
      lambda *_: (values, {}), lambda *_: drawn, expected_penalty
    )
    return jax.grad(lambda p: loss(p, state, REAL, KEY)[0])(params)

  gradient = jax.jit(gradient)
  trees.assert_identical(gradient(0.0), gradient(9.0))


# --- the discriminator --------------------------------------------------------


def test_discriminator_loss_is_the_cross_entropy_of_all_classes():
  gan, state = game()
  gan = gan._replace(l2=0.3)
  phi = state.players['discriminator'].params
  real = jnp.asarray([True, True, True, False, False, False])
  labels = jnp.asarray([0, 1, 1, -1, -1, -1], jnp.int32)
  batch = Labelled(ALL[:6], real, labels=labels)
  value, metrics = sentigan.discriminator_loss(gan)(phi, state, batch, None)
  p = probabilities(phi, ALL[:6])
  target = [0, 1, 1, K, K, K]
  expected = -np.mean([np.log(row[t]) for row, t in zip(p, target)])
  np.testing.assert_allclose(metrics['d_loss'], expected, rtol=1e-5)
  head = phi['logit']
  norm = sum(float((x**2).sum()) for x in jax.tree.leaves(head))
  np.testing.assert_allclose(value, expected + 0.15 * norm, rtol=1e-5)
  right = np.mean(p.argmax(1) == target)
  np.testing.assert_allclose(metrics['d_accuracy'], right, rtol=1e-6)
  # The verdict of D in tables and `run.judge`: the log-odds of real text.
  odds = np.log((1 - p[:, K]) / p[:, K])
  np.testing.assert_allclose(metrics['d_logits'], odds, rtol=1e-4, atol=1e-5)


def test_pool_keeps_labels_beside_their_texts():
  """Real rows are told by their words, which are those of their class."""
  c = settings(pool__passes=1)
  system = systems.build(c, spec())
  phase = system.phases['discriminate']
  shape = (phase.update.batches, phase.batch_size)
  labels = jnp.asarray(RNG.randint(K, size=shape), jnp.int32)
  tokens = jnp.broadcast_to(labels[..., None], (*shape, T))
  state = phase.enter(system.init(jax.random.key(0)))

  def body(state, i):
    key = jax.random.fold_in(KEY, i)
    return phase.update.apply(state, Batch(tokens, labels), key)

  state, metrics = jax.jit(lambda s: jax.lax.scan(body, s, jnp.arange(80)))(
    state
  )
  assert metrics['d_loss'][-20:].mean() < 0.75 * metrics['d_loss'][:5].mean()
  text = jnp.broadcast_to(jnp.arange(K)[:, None], (K, T))
  logits = np.asarray(system.critique(state, text).aux)[:, :K]
  np.testing.assert_array_equal(logits.argmax(1), np.arange(K))


def test_training_lowers_the_penalty_of_each_class():
  """D is fixed: class k is right if all words are k."""
  c = settings(rollout__policy='live', adversarial__g_steps=1)
  gan, state = game()
  target = jnp.arange(K)

  def score(state, batch, drawn, key):
    del batch

    def penalty(tokens):
      copies = tokens.shape[0] // B
      classes = jnp.tile(drawn.context, (copies, 1)) @ target
      return (tokens != classes[:, None]).mean(1)

    return BETA.returns(gan, state, drawn, penalty, key), {}

  loss = gan.generator_loss(score, sentigan.in_turn(gan), expected_penalty)
  update = gan.train.generator_updates(loss)
  system = systems.build(c, spec())
  state = system.phases['adversarial'].enter(state)

  def expected(state):
    """Returns the exact penalty of each class, over all texts."""
    found = []
    for k in range(K):
      labels = jnp.full(len(ALL), k, jnp.int32)
      logits = system.logits(state, ALL, labels=labels)
      p = np.exp(np.asarray(log_likelihood(logits, ALL).sum(1)))
      found.append(float(p @ np.asarray((k != ALL).mean(1))))
    return np.asarray(found)

  before = expected(state)
  state = jax.jit(
    lambda s: jax.lax.fori_loop(
      0,
      250,
      lambda i, s: update.apply(
        s,
        jax.tree.map(lambda x: x[None], REAL),
        jax.random.fold_in(KEY, i),
      )[0],
      s,
    )
  )(state)
  after = expected(state)
  assert (after < 0.7 * before).all(), (before, after)


# --- settings -----------------------------------------------------------------


def test_one_generator_may_read_the_class_instead():
  for classes in ('own', 'input'):
    c = settings(generator__classes=classes)
    system = systems.build(c, spec())
    params = jax.eval_shape(system.init, KEY).players['generator'].params
    leading = {x.shape[:1] for x in jax.tree.leaves(params)}
    assert (leading == {(K,)}) == (classes == 'own')


def test_wrong_settings_are_named():
  with pytest.raises(UserError, match=r'sentigan\.penalty'):
    systems.build(settings(sentigan__penalty='both'), spec())
  with pytest.raises(UserError, match=r'conditional=False.*system=sentigan'):
    settings(generator__conditional=False)
  with pytest.raises(UserError, match='needs labelled text'):
    systems.build(settings(), Spec(V, T, 20))
  with pytest.raises(UserError, match=r'experts=2.*not supported'):
    systems.build(settings(generator__experts=2), spec())
  with pytest.raises(UserError, match=r'generator\.classes'):
    systems.build(settings(generator__classes='mine'), spec())
  # Another system becomes conditional with this name.
  c = config.override(config.load('mle'), {'system': 'sentigan'})
  assert c.generator.conditional is True
