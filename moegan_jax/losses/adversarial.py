"""A table of adversarial losses for the discriminator and the generator.

In the formulas a = D(x_real) and b = D(x_fake). The losses read logits only.
WGAN-GP also needs `gradient_penalty`, weighted by `AdversarialLoss.penalty`.
"""

from collections.abc import Callable
from typing import NamedTuple

import chex
import jax
import jax.numpy as jnp
from jax.nn import relu, softplus

from moegan_jax.errors import UserError, unknown
from moegan_jax.types import Critique

Array = jax.Array
LogitLoss = Callable[[Array, Array], Array]


class AdversarialLoss(NamedTuple):
  """The two sides of an adversarial loss.

  Attributes:
    discriminator: (real_logits, fake_logits) -> scalar that D minimises
    generator: (real_logits, fake_logits) -> scalar that G minimises
    penalty: default weight of `gradient_penalty` in the loss of D; 0 for none

  Both take logits [B], [B, S] or [B, T]. Real and fake logits are paired by
  position.
  """

  discriminator: LogitLoss
  generator: LogitLoss
  penalty: float = 0.0


def logits_of(critique: Critique) -> Array:
  """Returns the logits of a discriminator that classifies."""
  if critique.logits is None:
    raise ValueError('the adversarial loss requires a D with logits')
  return critique.logits


# (logits of one side, logits of the other, mean of a side) -> elementwise terms
Terms = Callable[[Array, Array, Callable[[Array], Array]], Array]


def _mean_of(terms: Terms) -> LogitLoss:
  """Builds a loss that checks shapes and averages `terms` over all logits."""

  def loss(real_logits: Array, fake_logits: Array) -> Array:
    chex.assert_rank([real_logits, fake_logits], {1, 2})
    chex.assert_equal_shape([real_logits, fake_logits])
    return jnp.mean(terms(real_logits, fake_logits, jnp.mean))

  return loss


class _Rule(NamedTuple):
  """The elementwise terms of a loss, and its default penalty.

  Attributes:
    discriminator: (real, fake, mean) -> terms that D minimises
    generator: (real, fake, mean) -> terms that G minimises
    penalty: see `AdversarialLoss`
  """

  discriminator: Terms
  generator: Terms
  penalty: float = 0.0


def _plain(
  discriminator: LogitLoss, generator: LogitLoss, penalty: float = 0.0
) -> _Rule:
  """Builds a rule whose terms read no mean."""
  return _Rule(
    lambda a, b, mean: discriminator(a, b),
    lambda a, b, mean: generator(a, b),
    penalty,
  )


def _cross_entropy(a: Array, b: Array) -> Array:
  """Returns -log sigmoid(a) - log(1 - sigmoid(b)), the original loss of D."""
  return softplus(-a) + softplus(b)


def _average(terms: LogitLoss) -> _Rule:
  """Builds the relativistic average form of a loss (Jolicoeur-Martineau 2019).

  The mean logit of the other side is subtracted from each logit. G minimises
  the loss of D with real and fake swapped.
  """

  def relative(a: Array, b: Array, mean: Callable[[Array], Array]) -> Array:
    return terms(a - mean(b), b - mean(a))

  return _Rule(relative, lambda a, b, mean: relative(b, a, mean))


_RULES = {
  # Relativistic, MoEGAN Eq 7-9: D minimises -log sigmoid(a - b).
  'rsgan': _plain(
    lambda a, b: softplus(-(a - b)), lambda a, b: softplus(-(b - a))
  ),
  # Goodfellow et al. 2014: the non-saturating form, the minimax form, and the
  # form whose generator minimises a Kullback-Leibler divergence.
  'standard': _plain(_cross_entropy, lambda a, b: softplus(-b)),
  'js': _plain(_cross_entropy, lambda a, b: -softplus(b)),
  'kl': _plain(_cross_entropy, lambda a, b: -b),
  'hinge': _plain(lambda a, b: relu(1 - a) + relu(1 + b), lambda a, b: -b),
  'tv': _plain(
    lambda a, b: jnp.tanh(b) - jnp.tanh(a), lambda a, b: -jnp.tanh(b)
  ),
  'ls': _plain(lambda a, b: (a - 1) ** 2 + b**2, lambda a, b: (b - 1) ** 2),
  # The weight is that of Gulrajani et al. 2017; RelGAN's code sets no default.
  'wgan-gp': _plain(lambda a, b: b - a, lambda a, b: -b, penalty=10.0),
  'ragan': _average(_cross_entropy),
  'rals': _average(lambda a, b: (a - 1) ** 2 + (b + 1) ** 2),
  'rahinge': _average(lambda a, b: relu(1 - a) + relu(1 + b)),
}
LOSSES = {
  name: AdversarialLoss(
    _mean_of(rule.discriminator), _mean_of(rule.generator), rule.penalty
  )
  for name, rule in _RULES.items()
}

FORMS, REDUCTIONS = ('nonsat', 'minimax'), ('elementwise', 'mean')

# The saturating form, in which the loss of G is minus the loss of D.
_MINIMAX = {
  'rsgan': LOSSES['rsgan']._replace(
    generator=_mean_of(lambda a, b, mean: -softplus(-(a - b)))
  ),
  'standard': LOSSES['js'],
}


def adversarial_loss(
  name: str, form: str = 'nonsat', reduce: str = 'elementwise'
) -> AdversarialLoss:
  """Returns the adversarial loss with the given name and options.

  Args:
    name: a key of LOSSES
    form: 'nonsat' is the loss in LOSSES; 'minimax' is its saturating form, for
      rsgan and standard only (for standard it equals js)
    reduce: 'elementwise' treats every logit as a sample; 'mean' first averages
      the logits of a sequence, [B, S] to [B]. 'mean' is `d_out_mean` of
      TextGAN-PyTorch and has no effect on rsgan, as there.

  Returns:
    An AdversarialLoss.

  Raises:
    UserError: an unknown name, form or reduction, or a loss without a minimax
      form.

  The default is MoEGAN's, Eq 7-9 with pairwise Delta_H = D(x_r) - D(x_f):
  L_D = -mean log sigmoid(Delta_H). The loss of G has two readings. Eq 9 as
  printed, L_G = -L_D, is 'minimax'. Its gradient on a fake logit is
  -sigmoid(-Delta_H), which vanishes as D wins. The published code of RelGAN, on
  which MoEGAN builds, minimises -mean log sigmoid(-Delta_H). This is 'nonsat',
  the default, with gradient -sigmoid(Delta_H).
  """
  if name not in LOSSES:
    raise unknown('game.loss', name, LOSSES)
  if form not in FORMS:
    raise unknown('game.form', form, FORMS)
  if reduce not in REDUCTIONS:
    raise unknown('game.reduce', reduce, REDUCTIONS)
  if form == 'minimax' and name not in _MINIMAX:
    raise UserError(
      f'game.form=minimax is not available for game.loss={name}, only for '
      f'{" and ".join(_MINIMAX)}; use --config.game.form=nonsat'
    )
  loss = _MINIMAX[name] if form == 'minimax' else LOSSES[name]
  return loss if name == 'rsgan' else _reduced(loss, reduce)


def _reduced(loss: AdversarialLoss, reduce: str) -> AdversarialLoss:
  """Returns a loss of the logits, or of their mean over a sequence."""
  if reduce != 'mean':
    return loss
  return loss._replace(
    discriminator=_on_sequence_means(loss.discriminator),
    generator=_on_sequence_means(loss.generator),
  )


def _on_sequence_means(loss: LogitLoss) -> LogitLoss:
  """Applies a loss to the mean logits of each sequence."""

  def mean(logits: Array) -> Array:
    return jnp.mean(logits.reshape(logits.shape[0], -1), axis=1)

  return lambda real_logits, fake_logits: loss(
    mean(real_logits), mean(fake_logits)
  )


def loss_by_class(
  name: str, labels: Array, classes: int, reduce: str = 'elementwise'
) -> AdversarialLoss:
  """Returns the sum over classes of a loss, each on the rows of its class.

  Args:
    name: a key of LOSSES
    labels: int32 [B], the class of row i of real text and of row i of samples
    classes: K
    reduce: see `adversarial_loss`

  Returns:
    An AdversarialLoss. The mean of a side is that of the class of a row. A
    class without rows adds nothing. For K = 1 it is the loss itself.

  Source: CatGAN (Liu et al. 2020).
  """
  rule = _RULES[name]
  rows = jax.nn.one_hot(labels, classes)  # [B, K]
  counts = jnp.maximum(rows.sum(0), 1)

  def own_mean(logits: Array) -> Array:
    """Returns the mean logit of the class of each row, like the logits."""
    each = logits.reshape(len(labels), -1).mean(1)
    means = (rows @ ((each @ rows) / counts)).reshape(
      len(labels), *[1] * (logits.ndim - 1)
    )
    return jnp.broadcast_to(means, logits.shape)

  def total(terms: Terms) -> LogitLoss:
    def loss(real_logits: Array, fake_logits: Array) -> Array:
      each = terms(real_logits, fake_logits, own_mean)
      each = each.reshape(len(labels), -1).mean(1)
      return jnp.sum((each @ rows) / counts)

    return loss

  loss = AdversarialLoss(
    total(rule.discriminator), total(rule.generator), rule.penalty
  )
  return loss if name == 'rsgan' else _reduced(loss, reduce)


def gradient_penalty(
  score: Callable[[Array], Array],
  real: Array,
  fake: Array,
  gram: Array,
  key: Array,
) -> Array:
  """Returns the penalty of WGAN-GP, E (||grad_x D(x_hat)||_2 - 1)^2.

  Args:
    score: maps embedded sequences [B, T, E] to scores [B], the mean over S
      logits. It is differentiated twice and must treat sequences independently.
    real: [B, T, E], embedded
    fake: [B, T, E], embedded
    gram: [E, E], W^T W of D's embedding W [V, E]
    key: typed PRNG key, for alpha

  Returns:
    A scalar, to be added to the loss of D with weight
      `AdversarialLoss.penalty`.

  Reference: Gulrajani et al. 2017, Eq 3. x_hat = alpha x_r + (1 - alpha) x_f,
  with alpha ~ U[0, 1] drawn once per sequence.

  x is the one-hot or relaxed sequence [T, V]. The embedding is linear, so x_hat
  can be mixed after it. If g is the gradient in the embedded sequence, the
  gradient in x is g W^T, and its squared norm is sum_t g_t (W^T W) g_t. No
  array [B, T, V] is needed. The penalty trains W through `real`, `fake` and
  `gram`, so do not stop their gradients.
  """
  chex.assert_rank([real, fake], 3)
  chex.assert_equal_shape([real, fake])
  chex.assert_shape(gram, (real.shape[-1], real.shape[-1]))
  alpha = jax.random.uniform(key, (real.shape[0], 1, 1), real.dtype)
  mixed = alpha * real + (1 - alpha) * fake
  grads = jax.grad(lambda x: jnp.sum(score(x)))(mixed)
  squared = jnp.einsum('bte,ef,btf->b', grads, gram, grads)
  # The constant keeps the gradient of the root finite where D is constant.
  return jnp.mean((jnp.sqrt(squared + 1e-12) - 1) ** 2)
