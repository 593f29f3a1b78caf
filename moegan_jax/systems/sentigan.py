"""SentiGAN: a generator of each class, and penalties in place of rewards.

Source: Wang and Wan, "SentiGAN: Generating Sentimental Texts via Mixture
Adversarial Networks" (IJCAI 2018).

G_k writes the text of class k. D is a CNN with K + 1 outputs: the probabilities
of the K classes of real text, and that of samples. The penalty of a token y_t
of class k is the mean over N completions of the text so far:

    V_t = 1/N sum_n (1 - D_k(y^n)), y^n ~ beta(. | y_1 ... y_t)    (t < T)
    V_T = 1 - D_k(y_1 ... y_T)

`sentigan.penalty=fake` takes D_{K+1} in place of 1 - D_k, as the published code
does. G_k minimises the sum over its tokens of

    G_k(y_t | y_<t) V_t

This is the probability and not its logarithm, so that the gradient of a rare
token is bounded. V_t is a constant in it. A port of the code has 1 - V_t with
the opposite sign of the loss, which raises the probability of bad tokens.

Algorithm 1:

    pre-train G by maximum likelihood, each G_k on the text of class k
    pre-train D on pools
    beta <- G
    repeat:
      g times:  y ~ G with all classes in turn; G <- Adam step on the loss
      beta <- rate beta + (1 - rate) G
      d times:  a pool of new samples of G and as many real texts;
                k passes:  D <- Adam steps on the cross-entropy of K + 1 classes

V_t is positive, so the loss falls where all tokens become improbable, and its
gradient alone leads G to noise. `adversarial.anchor` adds the likelihood of
real text of each class, with which the published code alternates.

The latent noise of the paper is left out: samples of a class differ by the
choice of their tokens. `generator.classes=input` has one generator, which reads
the class.
"""

from collections.abc import Callable

import jax.numpy as jnp

from moegan_jax.errors import unknown
from moegan_jax.losses.class_penalty import (
  PENALTIES,
  class_cross_entropy,
  expected_penalty,
)
from moegan_jax.losses.policy_gradient import reward_metrics
from moegan_jax.nets.class_head import with_class_head
from moegan_jax.nets.initializers import initializers
from moegan_jax.systems import pools
from moegan_jax.systems.policy_gan import Draw, PolicyGAN, Weigh, policy_gan
from moegan_jax.systems.rollout_policy import RolloutPolicy, rollout_policy
from moegan_jax.types import Array, Spec, System
from moegan_jax.updates import Loss


def build(config, spec: Spec) -> System:
  """Builds SentiGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a corpus without labels, or a value out of range.
  """
  penalty = config.sentigan.penalty
  if penalty not in PENALTIES:
    raise unknown('sentigan.penalty', penalty, PENALTIES)
  gan = policy_gan(config, spec, config.policy.reduce, classifier=False)
  disc = with_class_head(
    gan.disc,
    length=spec.length,
    classes=len(spec.classes),
    init=initializers(config.discriminator.init),
  )
  gan = gan._replace(disc=disc)
  beta = rollout_policy(**config.rollout)
  loss = gan.generator_loss(
    penalties(gan, beta, PENALTIES[penalty]), in_turn(gan), expected_penalty
  )
  return gan.system(
    gan.train.generator_updates(loss),
    gan.discriminator_update(discriminator_loss(gan)),
    *beta.updates(),
    memory=beta.memory,
    enter=beta.enter,
  )


def in_turn(gan: PolicyGAN) -> Draw:
  """Returns the function that draws samples of all classes in turn."""

  def draw(state, batch, key):
    n = batch.tokens.shape[0]
    labels = jnp.arange(n, dtype=jnp.int32) % gan.train.gen.classes
    return gan.draw(state, n, key, labels)

  return draw


def penalties(
  gan: PolicyGAN,
  beta: RolloutPolicy,
  penalty: Callable[[Array, Array], Array],
) -> Weigh:
  """Returns the function that computes V [B, T], the penalties of the tokens.

  Args:
    gan: G and D
    beta: the rollout policy
    penalty: (logits [m, K + 1], one-hot classes [m, K]) -> [m]
  """

  def weigh(state, batch, drawn, key):
    del batch
    phi = state.players['discriminator'].params

    def score(tokens):
      """Returns the penalty of completed text [m], of rows in their order."""
      copies = tokens.shape[0] // drawn.context.shape[0]
      classes = jnp.tile(drawn.context, (copies, 1))
      return penalty(gan.critique(phi, tokens, None).aux, classes)

    values = beta.returns(gan, state, drawn, score, key)
    return values, reward_metrics(values, drawn.written)

  return weigh


def discriminator_loss(gan: PolicyGAN) -> Loss:
  """Returns the cross-entropy of D on a Labelled batch, with an L2 penalty."""

  def loss(phi, state, batch, key):
    del state
    critique = gan.critique(phi, batch.tokens, key)
    target = jnp.where(batch.real, batch.labels, gan.train.gen.classes)
    value = class_cross_entropy(critique.aux, target)
    right = jnp.argmax(critique.aux, axis=-1) == target
    metrics = {
      'd_loss': value,
      'd_accuracy': jnp.mean(right),
      'd_logits': critique.logits,
    }
    return value + gan.l2 * pools.logit_penalty(phi) / 2, metrics

  return loss
