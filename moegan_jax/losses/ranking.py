"""Rank scores of RankGAN: softmax over similarities to reference texts.

Source: Lin et al., "Adversarial Ranking for Language Generation" (NIPS 2017).

Each text is a vector of features. The relevance of a text s to a reference u is
alpha(s | u) = cos(s, u). The rank score is the share of s in a softmax over
itself and the comparison texts C, averaged over the references U:

    P(s | u, C) = exp(gamma alpha(s | u)) / sum_s' exp(gamma alpha(s' | u)),
                  s' in {s} and C
    R(s | U, C) = mean_u P(s | u, C)

P is the logistic function of gamma alpha(s | u) - log sum_C exp(gamma alpha).
This form gives log R and log(1 - R) without cancellation.
"""

import math

import chex
import jax
import jax.numpy as jnp

from moegan_jax.errors import unknown
from moegan_jax.ops.distances import cosines

Array = jax.Array

# What the ranker minimises for samples: log R, or -log(1 - R).
FORMS = ('log', 'minimax')


def rank_log_odds(
  features: Array, references: Array, comparisons: Array, gamma: Array | float
) -> Array:
  """Returns log(P / (1 - P)) of each text at each reference.

  Args:
    features: [n, F], of the ranked texts
    references: [U, F]
    comparisons: [C, F]; each of the n texts is ranked among these alone
    gamma: scale of the cosines; 0 gives all texts the same rank

  Returns:
    [n, U], between -2 gamma - log C and 2 gamma - log C.
  """
  chex.assert_rank([features, references, comparisons], 2)
  own = gamma * cosines(features, references)
  others = jax.nn.logsumexp(gamma * cosines(comparisons, references), axis=0)
  return own - others[None]


def rank_scores(log_odds: Array) -> Array:
  """Returns R [n] from `rank_log_odds`; equal texts have 1 / (C + 1)."""
  return jax.nn.sigmoid(log_odds).mean(1)


def log_rank_scores(log_odds: Array) -> Array:
  """Returns log R [n] from `rank_log_odds`; of -log_odds it is log(1 - R)."""
  logs = jax.nn.log_sigmoid(log_odds)
  return jax.nn.logsumexp(logs, axis=1) - math.log(log_odds.shape[1])


def ranker_loss(
  of_real: Array, of_fake: Array, real: Array, form: str = 'log'
) -> Array:
  """Returns the loss of the ranker, a mean over the texts of a batch.

  Args:
    of_real: [B, U], log-odds of all texts among samples; those of real text
      are read
    of_fake: [B, U], log-odds of all texts among real text; those of samples
      are read
    real: bool [B], True for real text
    form: 'minimax' maximises log R of real text and log(1 - R) of samples;
      'log' minimises log R of samples instead, as the paper does in practice

  Raises:
    UserError: an unknown form.

  A mean over the batch weights real text and samples by their shares. Their
  expected shares are equal, and a batch of one kind alone is finite.
  """
  chex.assert_equal_shape([of_real, of_fake])
  if form not in FORMS:
    raise unknown('rank.form', form, FORMS)
  fake = log_rank_scores(of_fake)
  if form == 'minimax':
    fake = -log_rank_scores(-of_fake)
  return jnp.mean(jnp.where(real, -log_rank_scores(of_real), fake))
