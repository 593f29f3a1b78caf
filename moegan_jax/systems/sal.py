"""SAL: the reward is an improvement over past samples of the generator itself.

Source: Zhou et al., "Self-Adversarial Learning with Comparative Discrimination
for Text Generation" (ICLR 2020).

D maps each text to features f and classifies ordered pairs of texts:

    D(. | a, b) = softmax(W relu(U_1 f(a) + U_2 f(b) + b_1) + b_2)

The classes are: a is better than b (>), worse (<), indistinguishable (~). D
learns by cross-entropy, a mean over the ordered pairs i != j of a batch of real
text and samples. Real text is better than a sample, and texts of the same kind
are indistinguishable. P averages D over both orders of a pair:

    P(a > b) = (D(> | a, b) + D(< | b, a)) / 2, and likewise P(a < b), P(a ~ b)

The memory M has the last `sal.memory` samples of G. K references r from M give
the reward of a text, and the weight of a token is the mean reward of N
completions of the text so far:

    R(a) = mean_r w_0 P(a > r) + w_1 P(a < r) + w_2 P(a ~ r)
    Q_t = 1/N sum_n R(y^n), y^n ~ beta(. | y_1 ... y_t)
    Q_T = R(y_1 ... y_T)

Algorithm:

    pre-train G by maximum likelihood
    pre-train D on pools
    beta <- G, M is empty
    repeat:
      once:     put B samples of G into M, each over the oldest one
      g times:  draw K references from M; y ~ G;
                G <- Adam step on -sum_t Q_t log G(y_t | y_<t)
      beta <- rate beta + (1 - rate) G
      d times:  a pool of new samples of G and as many real texts;
                k passes:  D <- Adam step on the cross-entropy of a batch

M has B samples before the first reward, and only written rows are drawn. All
rewards of an update share the references, which D encodes once. Rewards are
without dropout.

With the weights 1, -1, 0, R(a) is between -1 and 1, and its mean is 0 while G
equals its past selves, so it needs no baseline.

The metrics `d_real` and `d_fake` are the mean of P(a > b) over the other texts
b of a batch, for real text a and for samples a. A D that sees no difference
gives 1/4 for both, a perfect one 1/2 and 0.

Differences from the paper, as far as it is known to us: no schedule of w, and
no pairs of samples of successive checkpoints of the pre-training of G.
"""

import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError, at_least
from moegan_jax.losses.comparison import (
  comparison_loss,
  comparison_rewards,
  mean_better,
  pair_probabilities,
)
from moegan_jax.losses.policy_gradient import reward_metrics
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.pair_head import pair_logits, project, with_pair_head
from moegan_jax.ops import ring
from moegan_jax.systems.policy_gan import PolicyGAN, Weigh, policy_gan
from moegan_jax.systems.rollout_policy import RolloutPolicy, rollout_policy
from moegan_jax.types import Array, Params, Spec, System
from moegan_jax.updates import Loss, ring_update, sequence

PAST = 'past'  # key of M in `TrainState.memory`
Projections = tuple[Array, Array]  # of n texts, see `pair_head.project`


def build(config, spec: Spec) -> System:
  """Builds SAL from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range.
  """
  sal = config.sal
  at_least('adversarial.batch', config.adversarial.batch, 2)
  for key in ('hidden', 'references', 'memory'):
    at_least(f'sal.{key}', sal[key], 1)
  if not sal.better > sal.worse:
    raise UserError(
      f'sal.better={sal.better} must be larger than sal.worse={sal.worse}, or '
      'the generator does not learn to improve; raise sal.better'
    )
  beta = rollout_policy(**config.rollout)
  gan = policy_gan(config, spec, **config.policy, classifier=False)
  disc = with_pair_head(
    gan.disc,
    length=spec.length,
    hidden=sal.hidden,
    classes=3,
    init=initializers(config.discriminator.init),
  )
  gan = gan._replace(disc=disc)
  weights = jnp.asarray([sal.better, sal.worse, sal.indistinguishable])
  return gan.system(
    sequence(
      ring_update(
        PAST,
        lambda state, batches, key: (
          gan.draw(state, batches.tokens.shape[1], key).text
        ),
      ),
      gan.train.generator_updates(
        gan.generator_loss(action_values(gan, beta, sal.references, weights))
      ),
    ),
    gan.discriminator_update(discriminator_loss(gan)),
    *beta.updates(),
    memory=lambda players: (
      beta.memory(players) | {PAST: ring.create(sal.memory, spec.length)}
    ),
    enter=beta.enter,
  )


def encode(
  gan: PolicyGAN, phi: Params, tokens: Array, key: Array | None
) -> Projections:
  """Returns both projections of n texts, [n, H] each.

  Args:
    gan: the features of D
    phi: parameters of D
    tokens: int32 [n, T]
    key: key of the dropout mask; None for no dropout
  """
  return project(phi, gan.features(phi, tokens, key))


def compare(phi: Params, a: Projections, b: Projections) -> Array:
  """Returns P(a_i > b_j), P(a_i < b_j) and P(a_i ~ b_j), [m, k, 3].

  Args:
    phi: parameters of D
    a: projections of m texts
    b: projections of k texts
  """
  return pair_probabilities(
    pair_logits(phi, a[0], b[1]), pair_logits(phi, b[0], a[1])
  )


def action_values(
  gan: PolicyGAN, beta: RolloutPolicy, references: int, weights: Array
) -> Weigh:
  """Returns the function that computes Q [B, T], the weights of the tokens.

  Args:
    gan: G and D
    beta: the rollout policy
    references: K
    weights: w, of better, worse and indistinguishable
  """

  def weigh(state, batch, drawn, key):
    del batch
    k_past, k_rollouts = jax.random.split(key)
    phi = state.players['discriminator'].params
    drawn_past = ring.draw(state.memory[PAST], k_past, references)
    past = encode(gan, phi, drawn_past, None)

    def score(tokens):
      """Returns R of completed text, [n]."""
      own = encode(gan, phi, tokens, None)
      return comparison_rewards(compare(phi, own, past), weights)

    values = beta.returns(gan, state, drawn, score, k_rollouts)
    return values, reward_metrics(values, drawn.written)

  return weigh


def discriminator_loss(gan: PolicyGAN) -> Loss:
  """Returns the loss of D on a Labelled batch."""

  def loss(phi, state, batch, key):
    del state
    own = encode(gan, phi, batch.tokens, key)
    logits = pair_logits(phi, *own)
    value = comparison_loss(logits, batch.real)
    scores = mean_better(pair_probabilities(logits, logits))
    return value, {'d_loss': value, 'd_logits': scores}

  return loss
