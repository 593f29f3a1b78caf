"""Adversarial losses as a table: what D minimises and what G minimises.

With a = D(x_real) and b = D(x_fake). The losses read logits only. The one that
needs more, WGAN-GP, says so in `AdversarialLoss.penalty`, and its extra term is
`gradient_penalty`.
"""

from collections.abc import Callable
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax.nn import relu, softplus

from moegan_jax.errors import UserError, unknown

Array = jax.Array
LogitLoss = Callable[[Array, Array], Array]


class AdversarialLoss(NamedTuple):
  """The two sides of an adversarial loss.

  discriminator: (real_logits, fake_logits) -> scalar, D minimises it
  generator: (real_logits, fake_logits) -> scalar, G minimises it
  penalty: the usual weight of `gradient_penalty` in D's loss; 0 for none

  Both take logits [B], [B, S] or [B, T], real and fake paired by position.
  """

  discriminator: LogitLoss
  generator: LogitLoss
  penalty: float = 0.0


def _mean_of(terms: LogitLoss) -> LogitLoss:
  """Makes a checked loss, the mean over all logits, of its terms."""

  def loss(real_logits: Array, fake_logits: Array) -> Array:
    chex.assert_rank([real_logits, fake_logits], {1, 2})
    chex.assert_equal_shape([real_logits, fake_logits])
    return jnp.mean(terms(real_logits, fake_logits))

  return loss


def _loss(
  discriminator: LogitLoss, generator: LogitLoss, penalty: float = 0.0
) -> AdversarialLoss:
  return AdversarialLoss(_mean_of(discriminator), _mean_of(generator), penalty)


def _cross_entropy(a: Array, b: Array) -> Array:
  """-log sigmoid(a) - log(1 - sigmoid(b)), D's side of the first GAN."""
  return softplus(-a) + softplus(b)


def _average(terms: LogitLoss) -> AdversarialLoss:
  """The relativistic average form of a loss (Jolicoeur-Martineau 2019).

  Each side is measured against the mean of the other one, and G minimises
  what D minimises with real and fake swapped.
  """

  def relative(a: Array, b: Array) -> Array:
    return terms(a - jnp.mean(b), b - jnp.mean(a))

  return _loss(relative, lambda a, b: relative(b, a))


LOSSES = {
  # Relativistic, MoEGAN Eq 7-9: D minimises -log sigmoid(a - b).
  'rsgan': _loss(
    lambda a, b: softplus(-(a - b)), lambda a, b: softplus(-(b - a))
  ),
  # Goodfellow et al. 2014 in the non-saturating form, as a minimax game, and
  # in the form whose generator descends a Kullback-Leibler divergence.
  'standard': _loss(_cross_entropy, lambda a, b: softplus(-b)),
  'js': _loss(_cross_entropy, lambda a, b: -softplus(b)),
  'kl': _loss(_cross_entropy, lambda a, b: -b),
  'hinge': _loss(lambda a, b: relu(1 - a) + relu(1 + b), lambda a, b: -b),
  'tv': _loss(
    lambda a, b: jnp.tanh(b) - jnp.tanh(a), lambda a, b: -jnp.tanh(b)
  ),
  'ls': _loss(lambda a, b: (a - 1) ** 2 + b**2, lambda a, b: (b - 1) ** 2),
  # Gulrajani et al. 2017; the published RelGAN code leaves the weight open.
  'wgan-gp': _loss(lambda a, b: b - a, lambda a, b: -b, penalty=10.0),
  'ragan': _average(_cross_entropy),
  'rals': _average(lambda a, b: (a - 1) ** 2 + (b + 1) ** 2),
  'rahinge': _average(lambda a, b: relu(1 - a) + relu(1 + b)),
}

FORMS, REDUCTIONS = ('nonsat', 'minimax'), ('elementwise', 'mean')

# The saturating form, in which G minimises minus what D minimises.
_MINIMAX = {
  'rsgan': LOSSES['rsgan']._replace(
    generator=_mean_of(lambda a, b: -softplus(-(a - b)))
  ),
  'standard': LOSSES['js'],
}


def adversarial_loss(
  name: str, form: str = 'nonsat', reduce: str = 'elementwise'
) -> AdversarialLoss:
  """The adversarial loss of a name, and of the switches that papers use.

  The default is MoEGAN's, Eq 7-9 with Delta_H = D(x_r) - D(x_f) pairwise:
  L_D = -mean log sigmoid(Delta_H). Of G's loss there are two readings. Eq 9
  as printed, L_G = -L_D, is 'minimax': its gradient on a fake logit is
  -sigmoid(-Delta_H) and fades as D wins. The published code of RelGAN, from
  which MoEGAN starts, minimises -mean log sigmoid(-Delta_H): 'nonsat', with
  gradient -sigmoid(Delta_H), is the default.

  Args:
    name: a key of LOSSES.
    form: 'nonsat', the loss as it stands in LOSSES, or 'minimax', for rsgan and
      standard (where it is js) only.
    reduce: 'elementwise' takes every logit as a sample; 'mean' first averages
      the logits of a sequence, [B, S] to [B] (`d_out_mean` of TextGAN-PyTorch,
      which exempts rsgan from it, and so do we).

  Returns:
    An AdversarialLoss.

  Raises:
    UserError: on an unknown name, form or reduction.
  """
  if name not in LOSSES:
    raise unknown('game.loss', name, LOSSES)
  if form not in FORMS:
    raise unknown('game.form', form, FORMS)
  if reduce not in REDUCTIONS:
    raise unknown('game.reduce', reduce, REDUCTIONS)
  if form == 'minimax' and name not in _MINIMAX:
    raise UserError(
      f'game.loss={name} has no game.form=minimax, only '
      f'{" and ".join(_MINIMAX)} have; leave the form at nonsat'
    )
  loss = _MINIMAX[name] if form == 'minimax' else LOSSES[name]
  if reduce == 'mean' and name != 'rsgan':
    loss = loss._replace(
      discriminator=_of_sequence_means(loss.discriminator),
      generator=_of_sequence_means(loss.generator),
    )
  return loss


def _of_sequence_means(loss: LogitLoss) -> LogitLoss:
  def mean(logits: Array) -> Array:
    return jnp.mean(logits.reshape(logits.shape[0], -1), axis=1)

  return lambda real_logits, fake_logits: loss(
    mean(real_logits), mean(fake_logits)
  )


def gradient_penalty(
  score: Callable[[Array], Array],
  real: Array,
  fake: Array,
  gram: Array,
  key: Array,
) -> Array:
  """The penalty of WGAN-GP: E (||grad_x D(x_hat)||_2 - 1)^2.

  Added to D's loss with weight `AdversarialLoss.penalty`. Reference: Gulrajani
  et al. 2017, Eq 3; x_hat = alpha x_r + (1 - alpha) x_f, alpha ~ U[0, 1] drawn
  once a sequence.

  x is the one-hot (or relaxed) sequence [T, V]. D's embedding W [V, E] is
  linear, so x_hat can be mixed after it, and with g the gradient in the
  embedded sequence the one in x is g W^T: its squared norm is
  sum_t g_t (W^T W) g_t. No array [B, T, V] is needed. W learns from the
  penalty through `real`, `fake` and `gram`: hand them over with their graph.

  `score` is differentiated twice and has to treat sequences independently.

  Args:
    score: embedded sequences [B, T, E] -> scores [B], the mean over S logits.
    real: [B, T, E], embedded.
    fake: [B, T, E], embedded.
    gram: [E, E], W^T W.
    key: for alpha.

  Returns:
    A scalar.
  """
  chex.assert_rank([real, fake], 3)
  chex.assert_equal_shape([real, fake])
  chex.assert_shape(gram, (real.shape[-1], real.shape[-1]))
  alpha = jax.random.uniform(key, (real.shape[0], 1, 1), real.dtype)
  mixed = alpha * real + (1 - alpha) * fake
  grads = jax.grad(lambda x: jnp.sum(score(x)))(mixed)
  squared = jnp.einsum('bte,ef,btf->b', grads, gram, grads)
  # The small constant keeps the gradient finite where D is flat.
  return jnp.mean((jnp.sqrt(squared + 1e-12) - 1) ** 2)
