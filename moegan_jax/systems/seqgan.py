"""SeqGAN: policy gradients with the discriminator's verdict as reward.

Source: Yu et al., "SeqGAN: Sequence Generative Adversarial Nets with Policy
Gradient" (AAAI 2017).

G is an LSTM that samples y_1 ... y_T, and D a CNN that maps a sequence to the
probability of real text. The reward of a token is the mean verdict of D on N
random completions of the text so far, written by the rollout policy beta:

    Q_t = 1/N sum_n D(y^n), y^n ~ beta(. | y_1 ... y_t)     (Eq 4, t < T)
    Q_T = D(y_1 ... y_T)

Algorithm 1:

    pre-train G by maximum likelihood
    pre-train D on pools
    beta <- G
    repeat:
      g times:  y ~ G; G <- Adam step on -sum_t Q_t log G(y_t | y_<t)
      beta <- rate beta + (1 - rate) G
      d times:  a pool of new samples of G and as many real texts;
                k passes:  D <- Adam steps on the cross-entropy

The loss of G is a sum over batch and positions, as in the published code. It
has no baseline; `policy.baseline=batch` subtracts from Q_t the mean of the
other samples at position t. D's dropout is active in its own steps and off in
rewards. `rollout.policy=live` completes with G itself.
"""

from functools import partial

from moegan_jax.losses.policy_gradient import reward_metrics
from moegan_jax.systems.policy_gan import policy_gan
from moegan_jax.systems.rollout_policy import rollout_policy
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """Builds SeqGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range.
  """
  gan = policy_gan(config, spec, **config.policy)  # G, D, Adam, pools
  beta = rollout_policy(**config.rollout)

  def action_values(state, batch, drawn, key):
    """Returns Q [B, T], the weights of the tokens."""
    del batch
    reward = partial(gan.probability, state)
    q = beta.returns(gan, state, drawn, reward, key)
    return q, reward_metrics(q, drawn.written)

  return gan.system(
    gan.train.generator_updates(gan.generator_loss(action_values)),
    gan.discriminator_update(gan.cross_entropy()),
    *beta.updates(),
    memory=beta.memory,
    enter=beta.enter,
  )
