"""Divergences between a generator and an oracle of known density.

p is the oracle and q the model. Both give all next-token distributions, so
samples of q and p give unbiased estimates of sequence divergences, without a
classifier or a language model. All values are in nats per token:

    nll_oracle  -E_q log p     NLL_oracle of the literature (Yu et al., 2017)
    entropy     -E_q log q     of the model; nll_oracle falls with it
    kl_qp       KL(q || p)     = nll_oracle - entropy: bad samples
    kl_pq       KL(p || q)     = held-out NLL - entropy of p: missed modes
    jeffreys    kl_qp + kl_pq; neither collapse nor a temperature lowers it
    step_js     the Jensen-Shannon divergence of the next-token distributions,
                exact at each prefix and averaged over prefixes, half of them
                drawn from p and half from q; at most log 2. The Jensen-Shannon
                divergence of whole sequences is close to log 2 for any model
                and would not discriminate.

A sequence ends with its first pad; later positions do not count. Sentences
differ in length, so a value per token is a ratio of means,
E[sum over the sentence] / E[length], with a standard error by the delta
method. With `pad=None` all lengths are T, and the ratio reduces to the mean
over sentences divided by T.
"""

from collections.abc import Mapping

import chex
import jax.numpy as jnp
import numpy as np

from moegan_jax.metrics import likelihood
from moegan_jax.types import Array


def chunk_terms(
  model_log_probs: Array,
  oracle_log_probs: Array,
  tokens: Array,
  pad: int | None,
) -> dict[str, Array]:
  """Computes the terms of `divergences`, one number per sentence.

  Args:
    model_log_probs: log q(. | prefix), normalised, [n, T, V].
    oracle_log_probs: log p(. | prefix), normalised, [n, T, V].
    tokens: int32 [n, T], all drawn from the model or all from the oracle.
    pad: the pad and end symbol, or None for sequences of fixed length.

  Returns:
    [n] each: log_p and log_q of the sentence in nats; length, with the end
    symbol; js, the sum over positions of the Jensen-Shannon divergence.
  """
  chex.assert_rank([model_log_probs, tokens], [3, 2])
  chex.assert_equal_shape([model_log_probs, oracle_log_probs])
  chex.assert_equal_shape_prefix([model_log_probs, tokens], 2)
  valid = likelihood.end_mask(tokens, pad)

  def total(values):  # [n, T] -> [n]
    return jnp.where(valid, values, 0.0).sum(1)

  def of_tokens(log_probs):
    return jnp.take_along_axis(log_probs, tokens[..., None], axis=-1)[..., 0]

  return {
    'log_p': total(of_tokens(oracle_log_probs)),
    'log_q': total(of_tokens(model_log_probs)),
    'length': valid.sum(1),
    'js': total(jensen_shannon(oracle_log_probs, model_log_probs)),
  }


def jensen_shannon(log_p: Array, log_q: Array) -> Array:
  """Computes the Jensen-Shannon divergence of distributions, in nats.

  JS(p, q) = KL(p || m) / 2 + KL(q || m) / 2 with m = (p + q) / 2.

  Args:
    log_p: normalised log-probabilities [..., V]; -inf is allowed.
    log_q: normalised log-probabilities [..., V]; -inf is allowed.

  Returns:
    [...], from 0 to log 2.
  """
  log_m = jnp.logaddexp(log_p, log_q) - jnp.log(2.0)

  def half(log_x):  # 0 log 0 = 0
    x = jnp.exp(log_x)
    return 0.5 * jnp.where(x > 0, x * (log_x - log_m), 0.0).sum(-1)

  return half(log_p) + half(log_q)


def divergences(
  terms_model: Mapping[str, Array | np.ndarray],
  terms_oracle: Mapping[str, Array | np.ndarray],
) -> dict[str, np.ndarray]:
  """Computes estimates and standard errors of all divergences.

  A KL is the mean of the paired differences log q - log p. The two terms are
  strongly correlated, so a difference of independent means would be noisier.

  Args:
    terms_model: chunk_terms on sentences of the model, [..., n] each. Leading
      axes, such as seeds, are kept.
    terms_oracle: chunk_terms on sentences of the oracle, [..., m] each.

  Returns:
    [...] each: nll_oracle, entropy, kl_qp, kl_pq, jeffreys and step_js, and
    their standard errors as NAME_se (NaN for one sentence).
  """
  q = {k: np.asarray(v, np.float64) for k, v in terms_model.items()}
  p = {k: np.asarray(v, np.float64) for k, v in terms_oracle.items()}
  found = {
    'nll_oracle': _ratio(-q['log_p'], q['length']),
    'entropy': _ratio(-q['log_q'], q['length']),
    'kl_qp': _ratio(q['log_q'] - q['log_p'], q['length']),
    'kl_pq': _ratio(p['log_p'] - p['log_q'], p['length']),
  }
  # The two terms come from different samples: their errors are independent.
  found['jeffreys'] = _add(found['kl_qp'], found['kl_pq'])
  found['step_js'] = _add(
    _ratio(0.5 * q['js'], q['length']), _ratio(0.5 * p['js'], p['length'])
  )
  values = {name: value for name, (value, _) in found.items()}
  return values | {f'{name}_se': error for name, (_, error) in found.items()}


def _ratio(sums: np.ndarray, lengths: np.ndarray):
  """Computes sum(sums) / sum(lengths) and its standard error (last axis)."""
  n, total = sums.shape[-1], lengths.sum(-1)
  with np.errstate(divide='ignore', invalid='ignore'):
    ratio = sums.sum(-1) / total
    rest = sums - ratio[..., None] * lengths
    spread = (rest**2).sum(-1) * np.float64(n) / np.float64(n - 1)
    return ratio, np.sqrt(spread) / total


def _add(one, two):
  """Adds two independent estimates; returns the sum and its standard error."""
  return one[0] + two[0], np.hypot(one[1], two[1])
