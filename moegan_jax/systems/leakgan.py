"""LeakGAN: D leaks its features to a generator that sets itself goals.

Source: Guo et al., "Long Text Generation via Adversarial Training with Leaked
Information" (AAAI 2018).

f_t are the features of D for the first t tokens, completed by padding. They are
leaked to G at every step, also when G samples without D's verdict. The manager
of G reads f_t and sets a goal g_t. The worker writes token t with the goals of
the last c steps (`nets.leaky`).

The manager learns goals that point to where the features of good texts go. Q_t
is the mean verdict of D on N completions by G of the text at the end of the
transition, at the last multiple of c tokens. rank is the position of Q_t among
the B values of its step, 1 for the highest:

    L_M = - mean R(Q_t) cos(f_(t+c) - f_t, g_t)
    R(Q) = sigmoid(delta (1/2 - rank(Q) / B))

The worker learns by a policy gradient with an intrinsic reward for following
the goals, a reward per token:

    r_t = 1/c sum_(i = 1..c) cos(f_(t+1) - f_(t+1-i), g_(t+1-i))
    L_W = - mean r_t log G(y_t | y_<t)

The first tokens have fewer than c goals, and r_t is the mean over these.

On real text, the manager learns with R = 1 and the worker by likelihood:

    L_real = - mean cos(f_(t+c) - f_t, g_t) - mean log G(x_t | x_<t)

Algorithm:

    for each of the rounds of pre-training:
      a pool of new samples of G and as many real texts;
      k passes:  D <- Adam steps on the cross-entropy
      G <- Adam steps on L_real, all rounds together `mle.epochs` epochs
    repeat:
      g times:  y ~ G; G <- Adam step on L_M + L_W
      if the iteration is a multiple of `adversarial.mle_every`:
                G <- Adam step on L_real
      d times:  a pool of new samples of G and as many real texts;
                k passes:  D <- Adam steps on the cross-entropy

L_M has a gradient in the manager only and L_W in the worker only, and features
and rewards are constants. One Adam trains both; the clip of the gradient is on
their joint norm.

The ranks R make the weight of a goal depend on the other rows of its batch. A
reward r_t depends on the tokens up to t of its own row only.

Samples, likelihoods and exports read D's features besides the parameters of G
(`leaked`). D changes them as it learns, so pre-training trains D and G in turn,
and `adversarial.mle_every` lets G follow D later.

The metrics are 'goal_cosine', the mean cosine in L_M without its weights,
'worker_reward', the mean of r_t, 'reward_mean', ..., of Q, and on real text
'goal_cosine_real'.
"""

from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax import decode
from moegan_jax.errors import UserError
from moegan_jax.losses.leak import (
  goal_cosines,
  intrinsic_rewards,
  manager_loss,
)
from moegan_jax.losses.likelihood import (
  log_likelihood,
  negative_log_likelihood,
)
from moegan_jax.losses.policy_gradient import (
  policy_gradient,
  rank_rescale,
  reward_metrics,
)
from moegan_jax.nets.leaky import Leaky
from moegan_jax.ops.ends import end_mask
from moegan_jax.systems import assembly, networks, paper_networks
from moegan_jax.systems.likelihood import positive
from moegan_jax.systems.policy_gan import PolicyGAN, assembled
from moegan_jax.systems.rollout_policy import RolloutPolicy, rollout_policy
from moegan_jax.types import (
  Array,
  Discriminator,
  Params,
  Phase,
  Spec,
  System,
  TrainState,
)
from moegan_jax.updates import Loss, repeat, sequence


def build(config, spec: Spec) -> System:
  """Builds LeakGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range, or a warm start.
  """
  gan, leak = players(config, spec)
  delta = config.leakgan.delta
  positive(leakgan__delta=delta)
  beta = rollout_policy(policy='live', **config.rollout)
  train = gan.train
  generator = train.generator_updates(generator_loss(gan, leak, beta, delta))
  discriminator = repeat(
    gan.discriminator_update(gan.cross_entropy()), train.settings.d_steps
  )
  train = train._replace(pretrain=rounds(gan))
  return train.system(
    sequence(generator, discriminator),
    disc=gan.disc,
    parts={'generator': generator, 'discriminator': discriminator},
  )


def leaked(params: Params, state: TrainState) -> Params:
  """Adds the parameters of D to those of G. No gradient reaches them."""
  return params | {'leak': state.players['discriminator'].params}


class Reading(NamedTuple):
  """What G computes about given text of T tokens.

  Attributes:
    logits: [B, T, V]
    features: f_0, ..., f_T, [B, T + 1, F]
    goals: g_0, ..., g_(T - 1), [B, T, F]
  """

  logits: Array
  features: Array
  goals: Array


class Leak(NamedTuple):
  """G, D and the transitions of features that goals describe.

  Attributes:
    leaky: G
    disc: D
    step_size: c
    pad: the id that ends a text, or None
    unroll: see `ops.devices.unroll`
  """

  leaky: Leaky
  disc: Discriminator
  step_size: int
  pad: int | None
  unroll: int

  def read(self, params: Params, state: TrainState, text: Array) -> Reading:
    """Reads text, with pad after its end, by teacher forcing.

    Args:
      params: parameters of G, to which gradients flow
      state: has the parameters of D
      text: int32 [B, T]
    """
    gen, whole = self.leaky.observed, leaked(params, state)
    seen: Any = decode.replay(gen, whole, text, unroll=self.unroll)
    phi = whole['leak']
    last = self.disc.judge(phi, self.disc.embed(phi, text), None).features
    last = last.reshape(len(text), 1, -1)
    features = jnp.concatenate([seen.features, last], axis=1)
    # Padding moves no features. Rounding does, and would give a direction.
    count = self.words(text).sum(1, keepdims=True)
    at = jnp.minimum(jnp.arange(features.shape[1])[None], count)
    features = jnp.take_along_axis(features, at[..., None], axis=1)
    return Reading(gen.readout(whole, seen), features, seen.goals)

  def words(self, text: Array) -> Array:
    """Returns a mask of the tokens before the end of a text, bool [B, T]."""
    written = end_mask(text, self.pad)
    return written if self.pad is None else written & (text != self.pad)

  def cosines(self, read: Reading) -> Array:
    """Returns cos(f_(t+c) - f_t, g_t), [B, T - c + 1]."""
    return goal_cosines(read.features, read.goals, self.step_size)

  def rewards(self, read: Reading) -> Array:
    """Returns r_t, [B, T]."""
    return intrinsic_rewards(read.features, read.goals, self.step_size)

  def real_loss(self, params, state, batch, key):
    """Computes L_real, a `Loss`. Goals at and after the end do not count."""
    del key
    read = self.read(params, state, batch.tokens)
    nll = negative_log_likelihood(read.logits, batch.tokens)
    cosines = self.cosines(read)
    counted = self.words(batch.tokens)[:, : cosines.shape[1]]
    mean = mean_of(cosines, counted)
    return nll - mean, {'nll': nll, 'goal_cosine_real': mean}


def mean_of(values: Array, counted: Array) -> Array:
  """Returns the mean of the counted values; 0 if there are none."""
  return jnp.sum(values, where=counted) / jnp.maximum(counted.sum(), 1)


def players(config, spec: Spec) -> tuple[PolicyGAN, Leak]:
  """Builds G and D.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range, or a warm start.
  """
  if config.init_from:
    raise UserError(
      f'init_from={config.init_from} has no discriminator, whose features the '
      'generator of system=leakgan reads; leave init_from out'
    )
  padding, rows = spec.pad, spec
  if padding is None:  # a row of D's embedding that is no word
    padding, rows = (
      spec.vocab_size,
      spec._replace(vocab_size=spec.vocab_size + 1),
    )
  l2, disc = networks.token_discriminator(
    rows, **config.discriminator.to_dict()
  )
  generator = config.generator.to_dict()
  leaky = paper_networks.leaky_generator(
    spec, disc, padding=padding, **generator
  )
  leak = Leak(leaky, disc, generator['step_size'], spec.pad, config.unroll)
  train = assembly.training(
    config, spec, leaky.generator, real_loss=leak.real_loss, view=leaked
  )
  return assembled(config, train, disc, config.policy.reduce, l2), leak


def generator_loss(
  gan: PolicyGAN, leak: Leak, beta: RolloutPolicy, delta: float
) -> Loss:
  """Returns L_M + L_W on new samples.

  Args:
    gan: G and D
    leak: features and goals
    beta: completes prefixes
    delta: steepness of the ranks
  """
  c = leak.step_size

  def loss(params, state, batch, key):
    k_sample, k_rollouts = jax.random.split(key)
    drawn = gan.draw(state, batch.tokens.shape[0], k_sample)
    verdict = partial(gan.probability, state)
    q = beta.returns(gan, state, drawn, verdict, k_rollouts, every=c)
    read = leak.read(params, state, drawn.text)
    # Goal t leads to the prefix of t + c tokens, whose value is column
    # t + c - 1.
    cosines, ranks = leak.cosines(read), rank_rescale(q[:, c - 1 :], delta)
    counted = leak.words(drawn.text)[:, : cosines.shape[1]]
    manager = manager_loss(cosines, jnp.where(counted, ranks, 0), gan.reduce)
    rewards = jax.lax.stop_gradient(leak.rewards(read))
    worker = policy_gradient(
      log_likelihood(read.logits, drawn.text),
      jnp.where(drawn.written, rewards, 0),
      gan.reduce,
    )
    metrics = {
      'g_loss': manager + worker,
      'goal_cosine': mean_of(cosines, counted),
      'worker_reward': rewards.mean(where=drawn.written),
    }
    metrics |= reward_metrics(q, drawn.written)
    return manager + worker, metrics

  return loss


def rounds(gan: PolicyGAN) -> Phase:
  """Returns the likelihood phase with an update of D in each iteration.

  Args:
    gan: G and D; `pretraining` is the number of rounds

  Returns:
    The phase. An iteration is a round: the updates of D on one pool, and then
    an equal share of the likelihood updates. Real text is drawn with
    replacement. Without rounds it is the likelihood phase as it is.

  Raises:
    UserError: a pool has fewer rows than a batch.
  """
  phase, count = gan.train.pretrain, gan.pretraining
  if not (phase.steps and count):
    return phase
  if 2 * gan.negatives < phase.batch_size:
    raise UserError(
      f'pool.negatives={gan.negatives} gives a pool of {2 * gan.negatives} '
      f'rows, fewer than mle.batch={phase.batch_size}; raise it'
    )
  each = max(1, round(phase.steps / count))
  discriminator = gan.discriminator_update(
    gan.cross_entropy(), batch=phase.batch_size
  )
  likelihood = repeat(phase.update, each)
  return phase._replace(
    steps=count,
    update=sequence(discriminator, likelihood),
    epochs=False,
    eval_every=-(-phase.eval_every // each),
    parts={'discriminator': discriminator, 'generator': likelihood},
  )
