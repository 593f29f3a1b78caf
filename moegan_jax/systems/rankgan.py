"""RankGAN: the reward is the rank of a sample among real text.

Source: Lin et al., "Adversarial Ranking for Language Generation" (NIPS 2017).

D maps a text to features f. The relevance of a text s to a reference text u is
the cosine of their features. The rank score R compares it with the relevance of
other texts C, and averages over real references U (`losses.ranking`):

    P(s | u, C) = exp(gamma cos(f(s), f(u))) / sum of the same over {s} and C
    R(s | U, C) = mean_u P(s | u, C)

The ranker D gives real text a high rank among samples C-, and samples a low
rank among real text C+. It maximises

    E_real log R(s | U, C-) - E_fake log R(s | U, C+)           `rank.form=log`
    E_real log R(s | U, C-) + E_fake log(1 - R(s | U, C+))  `rank.form=minimax`

The paper states the second form and uses the first one in practice. The reward
of a token is the mean rank among real text of N completions of the text so far:

    V_t = 1/N sum_n R(y^n | U, C+), y^n ~ beta(. | y_1 ... y_t)
    V_T = R(y_1 ... y_T | U, C+)

Algorithm:

    pre-train G by maximum likelihood
    pre-train D on pools
    beta <- G
    repeat:
      g times:  U and C+ from real text; y ~ G;
                G <- Adam step on -sum_t V_t log G(y_t | y_<t)
      beta <- rate beta + (1 - rate) G
      d times:  a pool of new samples of G and as many real texts;
                k passes:  D <- Adam step on a batch, with U, C+ and C- drawn
                           from the pool

Scale of the reward: R is 1 / (C + 1) for text without a difference, .059 for 16
comparisons, and its log-odds deviate by 2 gamma at most. There is no baseline.
The steps of Adam do not depend on the scale, but `adversarial.clip` does, and
so does the weight of `adversarial.anchor`.

The metrics `d_real` and `d_fake` are the mean of log R over real text and over
samples. Both are -log(C + 1) if D sees no difference.
"""

import jax.numpy as jnp

from moegan_jax.errors import UserError, at_least, unknown
from moegan_jax.losses.policy_gradient import reward_metrics
from moegan_jax.losses.ranking import (
  FORMS,
  log_rank_scores,
  rank_log_odds,
  rank_scores,
  ranker_loss,
)
from moegan_jax.systems.policy_gan import PolicyGAN, Weigh, policy_gan
from moegan_jax.systems.rollout_policy import RolloutPolicy, rollout_policy
from moegan_jax.types import Spec, System
from moegan_jax.updates import Loss


def build(config, spec: Spec) -> System:
  """Builds RankGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range.
  """
  gan = policy_gan(config, spec, **config.policy, classifier=False)
  beta = rollout_policy(**config.rollout)
  rank = config.rank
  _check(gan, **rank)
  sizes = {key: rank[key] for key in ('gamma', 'references', 'comparisons')}
  needed = rank.references + rank.comparisons
  return gan.system(
    gan.train.generator_updates(
      gan.generator_loss(action_values(gan, beta, **sizes))
    ),
    gan.discriminator_update(
      ranking_loss(gan, **rank), beside=(needed, rank.comparisons)
    ),
    *beta.updates(),
    memory=beta.memory,
    enter=beta.enter,
  )


def action_values(
  gan: PolicyGAN,
  beta: RolloutPolicy,
  *,
  gamma: float,
  references: int,
  comparisons: int,
) -> Weigh:
  """Returns the function that computes V [B, T], the weights of the tokens.

  Args:
    gan: G and the features of D
    beta: the rollout policy
    gamma: scale of the cosines
    references: U, the first rows of the real batch
    comparisons: C, the next rows of the real batch
  """

  def weigh(state, batch, drawn, key):
    phi = state.players['discriminator'].params
    real = gan.features(phi, batch.tokens[: references + comparisons], None)

    def score(tokens):
      """Returns R of completed text, [n], without dropout in D."""
      own = gan.features(phi, tokens, None)
      return rank_scores(
        rank_log_odds(own, real[:references], real[references:], gamma)
      )

    values = beta.returns(gan, state, drawn, score, key)
    return values, reward_metrics(values, drawn.written)

  return weigh


def ranking_loss(
  gan: PolicyGAN, *, gamma: float, references: int, comparisons: int, form: str
) -> Loss:
  """Returns the loss of the ranker D on a Labelled batch.

  Args:
    gan: the features of D
    gamma: scale of the cosines
    references: U
    comparisons: C; `Labelled.beside` has U + C real texts and C samples
    form: see `losses.ranking.ranker_loss`
  """

  def loss(phi, state, batch, key):
    del state
    # One call for all texts, whose dropout masks are independent.
    rows = jnp.concatenate([batch.tokens, *batch.beside])
    size = len(batch.tokens)
    own, others = jnp.split(gan.features(phi, rows, key), [size])
    u, among_real, among_fake = jnp.split(
      others, [references, references + comparisons]
    )
    of_real = rank_log_odds(own, u, among_fake, gamma)
    of_fake = rank_log_odds(own, u, among_real, gamma)
    value = ranker_loss(of_real, of_fake, batch.real, form)
    scores = log_rank_scores(jnp.where(batch.real[:, None], of_real, of_fake))
    return value, {'d_loss': value, 'd_logits': scores}

  return loss


def _check(
  gan: PolicyGAN, *, gamma: float, references: int, comparisons: int, form: str
) -> None:
  """Checks the section `rank`.

  Raises:
    UserError: a value out of range.
  """
  if not gamma > 0:
    raise UserError(f'rank.gamma={gamma} must be positive')
  at_least('rank.references', references, 1)
  at_least('rank.comparisons', comparisons, 1)
  if form not in FORMS:
    raise unknown('rank.form', form, FORMS)
  limits = {
    'adversarial.batch': gan.train.settings.batch,
    'pool.negatives': gan.negatives,
  }
  for key, limit in limits.items():
    if references + comparisons > limit:
      raise UserError(
        f'rank.references={references} and rank.comparisons={comparisons} need '
        f'{references + comparisons} real texts, more than {key}={limit}; '
        'lower them'
      )
