"""The generator of LeakGAN: a manager that sets goals, a worker that writes.

Source: Guo et al., "Long Text Generation via Adversarial Training with Leaked
Information" (AAAI 2018).

f_t are the features of D for the first t tokens. The manager, an LSTM, reads
them and sets a goal, a direction in the space of features. The worker, another
LSTM, reads the last token. Its output O_t has a vector of k numbers per word.
The product with the embedded goals of the last c steps gives the logits:

    g_t = unit(manager(f_t))                                   [F]
    w_t = unit(psi (g_t + g_(t-1) + ... + g_(t-c+1)))          [k]
    logits_t = O_t w_t                                         [V]

unit divides by the Euclidean length. Before the first step, all c goals are a
vector that is learned and that all rows share.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax.nets import embedding
from moegan_jax.nets.gated import lstm
from moegan_jax.nets.initializers import Initializers
from moegan_jax.nets.recurrent import recurrent
from moegan_jax.ops.distances import unit
from moegan_jax.types import Array, Generator, Params, PrefixFeatures

EPS = 1e-12  # lower bound of squared lengths


class LeakyState(NamedTuple):
  """The carry of the generator.

  Attributes:
    steps: int32 scalar, steps so far. The next step has read as many tokens.
    prefix: state of `PrefixFeatures`
    manager: state of the manager
    worker: state of the worker
    recent: [n, c, k], psi of the last c goals
  """

  steps: Array
  prefix: Any
  manager: Any
  worker: Any
  recent: Array


class Observed(NamedTuple):
  """What a step computes.

  Attributes:
    hidden: [n, H + k], output of the worker and w_t, the input of `readout`
    features: f_t, [n, F], without a gradient
    goals: g_t, [n, F], of length 1
  """

  hidden: Array
  features: Array
  goals: Array


class Leaky(NamedTuple):
  """The generator, and the generator with its features and goals.

  Attributes:
    generator: writes text
    observed: likewise, but its steps return an `Observed` in place of the
      hidden output
  """

  generator: Generator
  observed: Generator


def leaky(
  prefixes: PrefixFeatures,
  *,
  vocab_size: int,
  features: int,
  embed_dim: int,
  width: int,
  goal_size: int,
  step_size: int,
  padding: int,
  pad: int | None,
  end_input: str,
  init: Initializers,
) -> Leaky:
  """Builds the generator.

  Args:
    prefixes: features of prefixes under D
    vocab_size: V
    features: F
    embed_dim: E, of the worker
    width: H, of both LSTMs
    goal_size: k
    step_size: c
    padding: id of the row in D's embedding that completes a prefix
    pad: see `recurrent`
    end_input: see `recurrent`
    init: initialisers

  Returns:
    A Leaky. Its functions take a dict of the groups 'manager', 'worker' and
    'leak', the parameters of D. `init` gives the first two. The worker has psi
    ('goal') and the goals before the first step ('start').

  A gradient with respect to the worker's output reaches the group 'worker'
  only, one with respect to goals the group 'manager' only, and none reaches
  'leak'. D has no rows for unknown words; it reads padding there.
  """
  # Parts of the usual generator. The manager reads features instead of tokens
  # and its readout is the goal; the worker has a readout of its own.
  manager = recurrent(
    lstm(width=width, init=init),
    vocab_size=features,
    embed_dim=features,
    init=init,
  )
  worker = recurrent(
    lstm(width=width, init=init),
    vocab_size=vocab_size,
    embed_dim=embed_dim,
    init=init,
    pad=pad,
    end_input=end_input,
  )

  def init_params(key: Array) -> Params:
    keys = jax.random.split(key, 6)
    managing, working = manager.init(keys[0]), worker.init(keys[1])
    del managing['embed'], working['head']
    kernel = init.linear(keys[2], (width, goal_size * vocab_size))
    working['head'] = {
      'kernel': kernel.reshape(width * goal_size, vocab_size),
      'bias': init.bias(keys[3], (goal_size, vocab_size)),
    }
    working['goal'] = init.linear(keys[4], (features, goal_size))
    working['start'] = init.linear(keys[5], (features, 1))[:, 0]
    return {'manager': managing, 'worker': working}

  def prepare(params: Params) -> Params:
    words = params['leak']['embed']
    unread = jnp.broadcast_to(words[padding], (2, words.shape[1]))
    return {
      'manager': manager.prepare(params['manager']),
      'worker': worker.prepare(params['worker']),
      'leak': prefixes.prepare(params['leak'], padding),
      # The start symbol and unknown words have the two last rows.
      'words': {'embed': jnp.concatenate([words[:vocab_size], unread])},
    }

  def begin(params: Params, n: int, context=None) -> LeakyState:
    if context is not None:
      raise ValueError('this generator takes no context')
    first = params['worker']['start'] @ params['worker']['goal']
    return LeakyState(
      steps=jnp.int32(0),
      prefix=prefixes.begin(n),
      manager=manager.begin(params['manager'], n),
      worker=worker.begin(params['worker'], n),
      recent=jnp.broadcast_to(first, (n, step_size, goal_size)),
    )

  def embed(params: Params, tokens: Array) -> tuple[Array, Array]:
    """Embeds tokens for the worker and for D."""
    table = params['words']['embed']
    if not jnp.issubdtype(tokens.dtype, jnp.integer):
      table = table[: tokens.shape[-1]]
    return (
      worker.embed(params['worker'], tokens),
      embedding.embed({'embed': table}, tokens),
    )

  def observe(params: Params, carry: LeakyState, x: tuple[Array, Array]):
    own, word = x
    leak = params['leak']
    # The first input is the start symbol, which is not part of the text.
    prefix = jax.tree.map(
      lambda new, old: jnp.where(carry.steps > 0, new, old),
      prefixes.push(leak, carry.prefix, word),
      carry.prefix,
    )
    leaked = jax.lax.stop_gradient(prefixes.read(leak, prefix, carry.steps))
    managing, output = manager.step(params['manager'], carry.manager, leaked)
    goals = unit(manager.readout(params['manager'], output), EPS)
    psi = jax.lax.stop_gradient(goals) @ params['worker']['goal']
    recent = jnp.concatenate([carry.recent[:, 1:], psi[:, None]], axis=1)
    working, output = worker.step(params['worker'], carry.worker, own)
    hidden = jnp.concatenate([output, unit(recent.sum(1), EPS)], axis=-1)
    state = LeakyState(carry.steps + 1, prefix, managing, working, recent)
    return state, Observed(hidden, leaked, goals)

  def step(params: Params, carry: LeakyState, x: tuple[Array, Array]):
    state, observed = observe(params, carry, x)
    return state, observed.hidden

  def readout(params: Params, hidden: Array) -> Array:
    """Returns O w. The matrices O [V, k] of all rows are not formed."""
    head = params['worker']['head']
    output, goal = jnp.split(hidden, [width], axis=-1)
    pairs = output[..., None] * goal[..., None, :]
    pairs = pairs.reshape(*hidden.shape[:-1], width * goal_size)
    return pairs @ head['kernel'] + goal @ head['bias']

  generator = Generator(
    init_params, prepare, begin, embed, step, readout, vocab_size
  )

  def read_observed(params: Params, seen: Any) -> Array:
    return readout(params, seen.hidden)

  observed = generator._replace(step=observe, readout=read_observed)
  return Leaky(generator, observed)
