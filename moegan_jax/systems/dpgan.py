"""DPGAN: a language model as discriminator, which rewards surprising words.

Source: Xu et al., "Diversity-Promoting GAN: A Cross-Entropy Based Generative
Adversarial Network for Diversified Text Generation" (EMNLP 2018).

D is a language model. The reward of a word is its surprisal under D, at most
`clip`, and the reward of a text is the mean over its words:

    R_t = min(-log D(y_t | y_<t), clip),   R(y) = mean_t R_t

D assigns high rewards to real text and low ones to samples. Repeated phrases
are easy to predict, so they have low rewards. A token of G has the weight Q_t,
and a baseline b is optional:

    L_D = -E_real R(x) + E_G R(y)
    Q_t = sum over s >= t of discount^(s - t) R(y) R_s
    L_G = -sum_t (Q_t - b_t) log G(y_t | y_<t)

Algorithm:

    pre-train G by maximum likelihood
    pre-train D on pools
    repeat:
      g times:  y ~ G; G <- Adam step on L_G
      d times:  a pool of new samples of G and as many real texts;
                k passes:  D <- Adam steps on L_D

-log D is unbounded, and D could win by any surprisal of real text. The clip
bounds L_D from below. It does not apply to samples in L_D, see
`losses.diversity`. R(y) depends on the whole text, and Q_t leaves out the words
before t, so L_G is not the gradient of an expected reward. With the default
discount 1 and no baseline all weights are positive, as in the paper.

The metrics `d_real` and `d_fake` are mean rewards of texts. `reward_mean` and
its like are those of words. All are without the clip.
"""

from moegan_jax.errors import UserError
from moegan_jax.losses.diversity import diversity_gap, diversity_rewards
from moegan_jax.losses.policy_gradient import reward_metrics, rewards_to_go
from moegan_jax.ops.ends import end_mask
from moegan_jax.systems import networks
from moegan_jax.systems.language_critic import language_critic
from moegan_jax.systems.likelihood import positive
from moegan_jax.systems.policy_gan import (
  PolicyGAN,
  Weigh,
  policy_gan,
)
from moegan_jax.types import Spec, System
from moegan_jax.updates import Loss


def build(config, spec: Spec) -> System:
  """Builds DPGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range.
  """
  gan = players(config, spec)  # G, D, Adam, pools
  settings = config.dpgan
  return gan.system(
    gan.train.generator_updates(gan.generator_loss(weights(gan, **settings))),
    gan.discriminator_update(discriminator_loss(gan, settings.clip)),
  )


def players(config, spec: Spec) -> PolicyGAN:
  """Builds G and D.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range.
  """
  model = networks.language_model(spec, 'discriminator', **config.discriminator)
  disc = language_critic(model, spec.pad, config.unroll)
  return policy_gan(config, spec, **config.policy, disc=disc)


def weights(gan: PolicyGAN, *, discount: float, clip: float) -> Weigh:
  """Returns the function that computes Q_t, the weights of the tokens.

  Args:
    gan: G and D
    discount: in [0, 1]
    clip: largest reward of a word, in nats

  Raises:
    UserError: a value out of range.
  """
  positive(dpgan__clip=clip)
  if not 0 <= discount <= 1:
    raise UserError(f'dpgan.discount={discount} must be in [0, 1]')

  def weigh(state, batch, drawn, key):
    del batch, key
    phi = state.players['discriminator'].params
    words = gan.critique(phi, drawn.text, None).aux
    rewards = diversity_rewards(words, drawn.written, clip)
    values = rewards_to_go(rewards, discount)
    return values, reward_metrics(words, drawn.written)

  return weigh


def discriminator_loss(gan: PolicyGAN, clip: float) -> Loss:
  """Returns L_D on a Labelled batch.

  Args:
    gan: G and D
    clip: largest reward of a word of real text, in nats
  """

  def loss(phi, state, batch, key):
    del state
    found = gan.critique(phi, batch.tokens, key)
    counted = end_mask(batch.tokens, gan.train.spec.pad)
    value = diversity_gap(found.aux, counted, batch.real, clip)
    return value, {'d_loss': value, 'd_logits': found.logits}

  return loss
