"""Updates of a discriminator that learns on tokens, in passes over a pool."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from moegan_jax.ops import devices, random
from moegan_jax.types import Array, Params, TrainState, Update
from moegan_jax.updates import Loss


class Labelled(NamedTuple):
  """A batch of a pool.

  Attributes:
    tokens: int32 [B, T]
    real: bool [B], True for real text, False for samples
    beside: (real text int32 [r, T], samples int32 [s, T]), further rows of the
      pool to which the loss compares the batch; None without
    labels: int32 [B], the classes of real text, and -1 for samples; None for a
      corpus without classes
  """

  tokens: Array
  real: Array
  beside: tuple[Array, Array] | None = None
  labels: Array | None = None


def cross_entropy(
  judge: Callable[[Params, Array, Array], Array], l2: float
) -> Loss:
  """Returns D's loss on a Labelled batch, with an L2 penalty.

  Args:
    judge: (parameters of D, tokens int32 [B, T], key of the dropout mask) ->
      logits [B, K]
    l2: weight of the penalty of the logit layer

  The published code of SeqGAN has a softmax over two logits. A difference w of
  their weights has the least penalty |w|^2 / 4 in place of |w|^2 / 2.
  """

  def loss(phi, state, batch, key):
    del state
    logits = judge(phi, batch.tokens, key)
    labels = jnp.broadcast_to(batch.real[:, None], logits.shape)
    value = optax.sigmoid_binary_cross_entropy(
      logits, labels.astype(logits.dtype)
    ).mean()
    penalty = logit_penalty(phi) / 4
    metrics = {'d_loss': value, 'd_logits': logits.mean(1)}
    return value + l2 * penalty, metrics

  return loss


def logit_penalty(phi: Params) -> Array:
  """Returns the squared norm of the logit layer of any discriminator."""
  layer = [
    x
    for path, x in jax.tree.leaves_with_path(phi)
    if any(getattr(part, 'key', None) == 'logit' for part in path)
  ]
  return sum((jnp.sum(x**2) for x in layer), jnp.float32(0))


def pool_update(
  step: Update,
  sample: Callable[[TrainState, Array], Array],
  *,
  batch: int,
  negatives: int,
  passes: int,
  beside: tuple[int, int] | None = None,
) -> Update:
  """Builds the updates of D on one pool of real text and new samples.

  Args:
    step: the update of D on one Labelled batch. Its metric 'd_logits' is [B],
      a logit or another score of each text.
    sample: (state, row keys uint32 [B, 2]) -> samples int32 [B, T]
    batch: B
    negatives: samples in the pool, with as many rows of real text
    passes: passes over the pool, each in a new order
    beside: (r, s), at most `negatives` each. Every batch comes with r rows of
      real text and s samples, drawn from the pool without replacement.

  Returns:
    An Update. A rest of a pass that fills no batch is left out. The metrics are
    means over the last pass; `d_real` and `d_fake` are the means of 'd_logits'
    over real text and over samples.
  """
  count, used = -(-negatives // batch), 2 * negatives // batch

  def samples(state: TrainState, key: Array) -> Array:
    """Draws the samples of the pool, one batch at a time."""
    # B leads, so that sharding splits each batch over the devices.
    rows = random.row_keys(key, count * batch).reshape(batch, count, 2)
    tokens = jax.lax.map(
      lambda own: sample(state, own), jnp.swapaxes(rows, 0, 1)
    )
    return tokens.reshape(count * batch, -1)[:negatives]

  def rows_beside(pool: Array, key: Array) -> tuple[Array, Array]:
    """Draws rows of each half of the pool, with the axis of one batch."""
    k_real, k_fake = jax.random.split(key)
    r, s = beside or (0, 0)
    real = jax.random.permutation(k_real, negatives)[:r]
    fake = negatives + jax.random.permutation(k_fake, negatives)[:s]
    return pool[real][None], pool[fake][None]

  def one_pass(pool: Array, labels: Any, state: TrainState, key: Array):
    k_order, k_steps = jax.random.split(key)
    order = jax.random.permutation(k_order, 2 * negatives)[: used * batch]
    order = order.reshape(used, 1, batch)
    inputs = Labelled(
      devices.split(pool[order], axis=2),
      order < negatives,
      labels=None if labels is None else labels[order],
    )

    def body(state, xs):
      own, i = xs
      key = jax.random.fold_in(k_steps, i)
      if beside is not None:
        key, k_beside = jax.random.split(key)
        own = own._replace(beside=rows_beside(pool, k_beside))
      return step.apply(state, own, key)

    state, metrics = jax.lax.scan(body, state, (inputs, jnp.arange(used)))
    logits, real = metrics.pop('d_logits'), inputs.real[:, 0]
    means = {name: values.mean() for name, values in metrics.items()}
    means['d_real'] = logits.mean(where=real)
    means['d_fake'] = logits.mean(where=~real)
    return state, means

  def apply(state: TrainState, batches: Any, key: Array):
    k_fake, k_passes = jax.random.split(key)
    real = batches.tokens.reshape(count * batch, -1)[:negatives]
    pool = jnp.concatenate([real, samples(state, k_fake)])
    labels = batches.labels
    if labels is not None:
      rows = labels.reshape(-1)[:negatives]
      labels = jnp.concatenate([rows, jnp.full_like(rows, -1)])
    state, metrics = jax.lax.scan(
      lambda state, i: one_pass(
        pool, labels, state, jax.random.fold_in(k_passes, i)
      ),
      state,
      jnp.arange(passes),
    )
    return state, jax.tree.map(lambda x: x[-1], metrics)

  return Update(count, apply)
