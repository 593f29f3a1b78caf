"""Training lowers the Jeffreys divergence to a tiny oracle."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax import config, systems
from moegan_jax.data.oracle import lstm_oracle
from moegan_jax.train import loop

V, T = 7, 5
SENTENCES = np.array(list(itertools.product(range(V), repeat=T)), np.int32)
TRAIN_SIZE = 2048


pytestmark = pytest.mark.usefixtures('quick_compilation')


def settings():
  """Returns settings that learn in seconds."""
  c = config.as_system(config.load('mle'), 'moegan')
  c.generator.hidden = 16
  c.generator.embed = 8
  c.discriminator.update(
    embed=16, widths=(2, 3, 4), filters=16, features=16, dropout=0.0
  )
  c.mle.update(epochs=1, batch=64)
  c.adversarial.update(steps=300, batch=64, d_steps=3, g_lr=2e-3, d_lr=2e-3)
  c.game.relaxation = 'straight_through'
  c.game.beta = 1.0
  config.select(c, 'fsa', weight=0.0)
  return c


@pytest.fixture(scope='module')
def oracle():
  return lstm_oracle(vocab_size=V, length=T, dim=4)


@pytest.fixture(scope='module')
def exact(oracle):
  """Returns state -> Jeffreys in nats per token.

  The divergence is a sum over all 16,807 sentences.
  """
  tokens = jnp.asarray(SENTENCES)

  def sentence_log_probs(log_probs):
    picked = jnp.take_along_axis(log_probs, tokens[..., None], -1)
    return picked[..., 0].sum(1)

  log_p = jax.jit(lambda: sentence_log_probs(oracle.log_probs(tokens)))()
  assert abs(float(jnp.exp(log_p).sum()) - 1) < 1e-3

  def jeffreys(logits):
    log_q = sentence_log_probs(jax.nn.log_softmax(logits))
    p, q = jnp.exp(log_p), jnp.exp(log_q)
    return ((p - q) * (log_p - log_q)).sum() / T, q.sum()

  return jax.jit(jeffreys)


@pytest.fixture(scope='module')
def run(oracle, exact):
  """Returns a function that trains a phase and measures Jeffreys."""
  system = systems.build(settings(), systems.Spec(V, T, TRAIN_SIZE))
  corpus = jnp.asarray(oracle.sample(np.random.RandomState(1), TRAIN_SIZE))
  logits = jax.jit(system.logits)

  def measure(state):
    one = jax.tree.map(lambda x: x[0], state.players)
    value, total = exact(
      logits(state.replace(players=one), jnp.asarray(SENTENCES))
    )
    assert abs(float(total) - 1) < 1e-3, 'probabilities of all sentences'
    return float(value)

  compiled = {}

  def train(name, state, start):
    phase = system.phases[name]
    state = loop.enter(phase, state)
    if name not in compiled:
      chunk = loop.compile_chunk(phase, start, state, corpus)
      compiled[name] = chunk.call
    state = state.replace(step=jnp.int32(start))
    state, report = compiled[name](state, jnp.int32(phase.steps), corpus)
    assert all((np.asarray(v) < 0).all() for v in report.bad.values())
    return state

  def begin():
    return loop.init_seeds(system.init, 0, 1)

  return begin, train, measure, system.phases['pretrain'].steps


def test_likelihood_then_game_lower_jeffreys(run):
  begin, train, measure, start = run
  state = begin()
  random = measure(state)
  state = train('pretrain', state, 0)
  pretrained = measure(state)
  assert pretrained < 0.6 * random
  state = train('adversarial', state, start)
  assert measure(state) < min(0.8 * pretrained, 0.25 * random)


def test_game_alone_lowers_jeffreys_from_random_initialization(run):
  """G receives no information about the oracle except the gradients of D."""
  begin, train, measure, start = run
  state = begin()
  random = measure(state)
  state = train('adversarial', state, start)
  assert measure(state) < 0.25 * random
