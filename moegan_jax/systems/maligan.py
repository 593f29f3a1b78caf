"""MaliGAN: maximum likelihood of samples, reweighted by the discriminator.

Source: Che et al., "Maximum-Likelihood Augmented Discrete Generative
Adversarial Networks" (2017).

G fits the distribution q(x) that is proportional to r(x) G'(x), where G' is the
frozen G and r = D / (1 - D) the density ratio that D estimates. `basic` draws m
samples x_i, and b is a baseline:

    w_i = r(x_i) / sum_j r(x_j) - b / m
    L   = -sum_i w_i log G(x_i)

`mixed` keeps the first N tokens of m real texts x_i and completes each of them
n times, which lowers the variance:

    w_ij = r(x_ij) / sum_j r(x_ij) - b / n
    L    = -1/m sum_i [log G(x_i, <= N) + sum_j w_ij log G(x_ij, > N)]

Algorithm:

    pre-train G by maximum likelihood
    pre-train D on pools
    repeat:
      g times:  G <- Adam step that minimises L
      d times:  a pool of new samples of G and as many real texts;
                k passes:  D <- Adam steps on the cross-entropy

Over `maligan.horizon` iterations b rises from 0 to 1, and N falls from T to 0,
both linearly. Weights are normalised in a batch (`basic`) or among the
completions of a prefix (`mixed`), so for b = 1 their sum is 0.
"""

import jax.numpy as jnp

from moegan_jax.errors import UserError, at_least, unknown
from moegan_jax.losses.policy_gradient import normalised_weights, reward_metrics
from moegan_jax.systems.policy_gan import PolicyGAN, policy_gan
from moegan_jax.types import Spec, System
from moegan_jax.updates import Loss

FORMS = ('basic', 'mixed')


def build(config, spec: Spec) -> System:
  """Builds MaliGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range.
  """
  gan = policy_gan(config, spec, 'sum')  # G, D, Adam, pools
  return gan.system(
    gan.train.generator_updates(generator_loss(gan, **config.maligan)),
    gan.discriminator_update(gan.cross_entropy()),
  )


def generator_loss(
  gan: PolicyGAN, *, form: str, clip: float, horizon: int, samples: int = 0
) -> Loss:
  """Returns the loss L of G.

  Args:
    gan: G and D; its reduction is a sum
    form: 'basic' or 'mixed'
    clip: D(x) is limited to [clip, 1 - clip]
    horizon: iterations until b = 1 and N = 0
    samples: n, completions of each real prefix; of 'mixed' only

  Raises:
    UserError: an unknown form, or a value out of range.
  """
  if form not in FORMS:
    raise unknown('maligan.form', form, FORMS)
  if not 0 < clip < 0.5:
    raise UserError(f'maligan.clip={clip} must be in (0, 0.5)')
  at_least('maligan.horizon', horizon, 1)
  mixed = form == 'mixed'
  if mixed:
    at_least('maligan.samples', samples, 2)
  length = gan.train.spec.length

  def progress(state):
    return jnp.clip((state.step - gan.start) / horizon, 0, 1)

  def is_given(state):
    """Returns a mask of the first N positions, bool [1, T]."""
    kept = jnp.round(length * (1 - progress(state)))
    return (jnp.arange(length) < kept)[None]

  def draw(state, batch, key):
    """Draws one sample for each real text, or n completions of its prefix."""
    if not mixed:
      return gan.draw(state, batch.tokens.shape[0], key)
    prefix = jnp.repeat(batch.tokens, samples, axis=0)
    given = jnp.broadcast_to(is_given(state), prefix.shape)
    labels = batch.labels
    if labels is not None:
      labels = jnp.repeat(labels, samples)
    return gan.draw(state, len(prefix), key, labels, prefix=prefix, given=given)

  def weigh(state, batch, drawn, key):
    """Returns w, and 1 / n for the tokens of a prefix, divided by m."""
    del batch, key
    rows = drawn.text.shape[0]
    groups = rows // samples if mixed else 1
    verdicts = jnp.clip(gan.probability(state, drawn.text), clip, 1 - clip)
    log_ratios = jnp.log(verdicts) - jnp.log1p(-verdicts)
    each = normalised_weights(
      log_ratios.reshape(groups, -1), progress(state)
    ).reshape(rows, 1)
    weights = jnp.broadcast_to(each / groups, drawn.text.shape)
    metrics = reward_metrics(verdicts, jnp.ones(rows, bool))
    metrics |= {'baseline': progress(state), 'weight_max': each.max()}
    if mixed:
      weights = jnp.where(is_given(state), 1 / rows, weights)
      metrics |= {'given': is_given(state).sum().astype(jnp.float32)}
    return weights, metrics

  return gan.generator_loss(weigh, draw)
