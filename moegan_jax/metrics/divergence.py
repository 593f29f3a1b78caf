"""Divergences between a generator and an oracle whose density is known.

p is the oracle, q the model. Both give every next-token distribution, so from
samples of q and of p the divergences of whole sequences follow without bias,
and no classifier or language model stands between. All are in nats a token:

  nll_oracle  -E_q log p     the literature's NLL_oracle (Yu et al., 2017)
  entropy     -E_q log q     of the model; nll_oracle falls if this falls
  kl_qp       KL(q || p)     = nll_oracle - entropy: bad samples
  kl_pq       KL(p || q)     = held-out NLL - entropy of p: missed modes
  jeffreys    their sum; neither collapse nor a temperature can game it
  step_js     the Jensen-Shannon divergence of the two next-token
              distributions, exact at each prefix, averaged over prefixes drawn
              half from p and half from q; at most log 2. The divergence of
              whole sequences sits at log 2 for any real model.

A sequence ends with its first pad; what follows has no probability to account
for. So sentences differ in length, and a value a token is the ratio of two
means: E[sum over the sentence] / E[length], with a standard error by the delta
method. With `pad=None` all lengths are T, and both reduce to the plain mean
over sentences and its standard error, divided by T.
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
  """What `divergences` adds up, one number a sentence.

  Args:
    model_log_probs: log q(. | prefix), normalised, [n, T, V].
    oracle_log_probs: log p(. | prefix), normalised, [n, T, V].
    tokens: int32 [n, T], all drawn from the model or all from the oracle.
    pad: the pad and end symbol, or None for sequences of fixed length.

  Returns:
    [n] each: log_p and log_q of the sentence, length with its end symbol, and
    js, the sum over positions of the Jensen-Shannon divergence.
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
  """JS(p, q) = KL(p || m) / 2 + KL(q || m) / 2 with m = (p + q) / 2, in nats.

  Args:
    log_p: normalised log-probabilities [..., V]; -inf is allowed.
    log_q: the same.

  Returns:
    [...], between 0 and log 2.
  """
  log_m = jnp.logaddexp(log_p, log_q) - jnp.log(2.0)

  def half(log_x):  # 0 log 0 = 0
    x = jnp.exp(log_x)
    return 0.5 * jnp.where(x > 0, x * (log_x - log_m), 0.0).sum(-1)

  return half(log_p) + half(log_q)


def divergences(
  terms_model: Mapping[str, Array], terms_oracle: Mapping[str, Array]
) -> dict[str, np.ndarray]:
  """Estimates and standard errors; any leading axis (seeds) is kept.

  A KL is the mean of the paired difference log q - log p of each sentence:
  the two are nearly parallel, so the difference of two independent means
  would be far noisier.

  Args:
    terms_model: chunk_terms on sentences of the model, [..., n] each.
    terms_oracle: chunk_terms on sentences of the oracle, [..., m] each.

  Returns:
    [...] each: nll_oracle, entropy, kl_qp, kl_pq, jeffreys, step_js, and each
    one's standard error under the name with `_se` (NaN from one sentence).
  """
  q = {k: np.asarray(v, np.float64) for k, v in terms_model.items()}
  p = {k: np.asarray(v, np.float64) for k, v in terms_oracle.items()}
  found = {
    'nll_oracle': _ratio(-q['log_p'], q['length']),
    'entropy': _ratio(-q['log_q'], q['length']),
    'kl_qp': _ratio(q['log_q'] - q['log_p'], q['length']),
    'kl_pq': _ratio(p['log_p'] - p['log_q'], p['length']),
  }
  # The two parts come from different samples: their errors are independent.
  found['jeffreys'] = _add(found['kl_qp'], found['kl_pq'])
  found['step_js'] = _add(
    _ratio(0.5 * q['js'], q['length']), _ratio(0.5 * p['js'], p['length'])
  )
  values = {name: value for name, (value, _) in found.items()}
  return values | {f'{name}_se': error for name, (_, error) in found.items()}


def _ratio(sums: np.ndarray, lengths: np.ndarray):
  """sum(sums) / sum(lengths) and its standard error, over the last axis."""
  n, total = sums.shape[-1], lengths.sum(-1)
  with np.errstate(divide='ignore', invalid='ignore'):
    ratio = sums.sum(-1) / total
    rest = sums - ratio[..., None] * lengths
    spread = (rest**2).sum(-1) * np.float64(n) / np.float64(n - 1)
    return ratio, np.sqrt(spread) / total


def _add(one, two):
  """The sum of two independent estimates and its standard error."""
  return one[0] + two[0], np.hypot(one[1], two[1])
