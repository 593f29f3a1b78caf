"""Maximum-likelihood training of a generator."""

import optax

from moegan_jax import decode
from moegan_jax.errors import UserError, at_least
from moegan_jax.losses.likelihood import negative_log_likelihood
from moegan_jax.ops import random
from moegan_jax.ops.arrays import traced
from moegan_jax.types import Generator, Phase, Role, Spec
from moegan_jax.updates import Loss, gradient_update

PRETRAIN = 'pretrain'  # name of the phase


def adam(
  lr: float, clip: float, beta1: float = 0.9
) -> optax.GradientTransformation:
  """Returns Adam (beta1, .999) that clips the gradient first.

  Args:
    lr: learning rate
    clip: largest global norm of the gradient
    beta1: decay of the mean of the gradient
  """
  return optax.chain(optax.clip_by_global_norm(clip), optax.adam(lr, b1=beta1))


def likelihood_loss(gen: Generator, unroll: int = 1) -> Loss:
  """Returns the loss of maximum likelihood under teacher forcing.

  Args:
    gen: the generator. One with latent noise draws new noise for each sentence,
      a conditional one reads the labels of the batch.
    unroll: see `ops.devices.unroll`

  Returns:
    A Loss, the mean negative log-likelihood of real text in nats per position.
  """

  def loss(params, state, batch, key):
    del state
    context = gen.context(batch.labels) if gen.classes else None
    if gen.latent is not None and not gen.classes:
      context = gen.latent(random.row_keys(key, batch.tokens.shape[0]))
    logits = decode.teacher_force(
      gen, params, batch.tokens, context=context, unroll=unroll
    )
    value = negative_log_likelihood(logits, batch.tokens)
    return value, {'nll': value}

  return loss


def likelihood_phase(
  spec: Spec,
  gen: Generator,
  *,
  epochs: int,
  batch: int = 1,
  lr: float = 1e-3,
  clip: float = 1.0,
  eval_every: int = 0,
  unroll: int = 1,
  loss: Loss | None = None,
) -> tuple[Phase, optax.GradientTransformation]:
  """Builds the phase of maximum-likelihood training.

  Args:
    spec: the properties of the corpus
    gen: the generator
    epochs: passes over the training part, each in a new order; 0 gives a phase
      without steps
    batch: sentences per batch
    lr: learning rate of Adam
    clip: largest global norm of the gradient
    eval_every: epochs between evaluations; 0: at the end only
    unroll: see `ops.devices.unroll`
    loss: default: `likelihood_loss`

  Returns:
    The phase and its optimizer.

  Raises:
    UserError: a batch larger than the corpus, or a value out of range.
  """
  at_least('mle.epochs', epochs, 0)
  at_least('mle.eval_every', eval_every, 0)
  positive(mle__lr=lr, mle__clip=clip)
  if epochs and not 1 <= batch <= spec.train_size:
    raise UserError(
      f'mle.batch={batch} must be between 1 and the number of training '
      f'sequences, {spec.train_size}'
    )
  optimizer = adam(lr, clip)
  per_epoch = spec.train_size // batch
  phase = Phase(
    steps=epochs * per_epoch,
    batch_size=batch,
    update=gradient_update(
      'generator', optimizer, loss or likelihood_loss(gen, unroll)
    ),
    enter=lambda state: state,
    epochs=True,
    role=Role.LIKELIHOOD,
    label='MLE',
    eval_every=eval_every * per_epoch,
    batch_key='mle.batch',
  )
  return phase, optimizer


def positive(**values) -> None:
  """Checks that settings are positive; traced values pass.

  Args:
    **values: setting -> value; '__' in a name stands for a dot

  Raises:
    UserError: a value is not positive.
  """
  for name, value in values.items():
    if not traced(value) and not value > 0:
      key = name.replace('__', '.')
      raise UserError(f'{key}={value} must be positive')
