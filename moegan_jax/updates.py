"""Pure training updates and how they combine into one iteration.

Every combinator keys its parts by `fold_in`, so no two draws share a key.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

from moegan_jax.types import Array, Metrics, Params, Player, TrainState, Update

# (params of the player, state, inputs, key) -> loss, metrics
Loss = Callable[[Params, TrainState, Any, Array], tuple[Array, Metrics]]


def gradient_update(
  player: str, optimizer: optax.GradientTransformation, loss: Loss
) -> Update:
  """One optimizer step of one player; all other players stay as they are.

  Reports the loss's own metrics and `<player>_grad_norm`, before clipping.
  """

  def apply(state: TrainState, batches: Any, key: Array):
    batch = jax.tree.map(lambda x: x[0], batches)
    me = state.players[player]
    grads, metrics = jax.grad(loss, has_aux=True)(me.params, state, batch, key)
    steps, opt_state = optimizer.update(grads, me.opt_state, me.params)
    me = Player(optax.apply_updates(me.params, steps), opt_state)
    metrics = metrics | {f'{player}_grad_norm': optax.global_norm(grads)}
    return state.replace(players=state.players | {player: me}), metrics

  return Update(1, apply)


def sequence(*updates: Update) -> Update:
  """One update after the other, each on batches of its own."""

  def apply(state: TrainState, batches: Any, key: Array):
    metrics, taken = {}, 0
    for i, update in enumerate(updates):
      own = jax.tree.map(
        lambda x, a=taken, b=taken + update.batches: x[a:b], batches
      )
      taken += update.batches
      state, more = update.apply(state, own, jax.random.fold_in(key, i))
      metrics = metrics | more
    return state, metrics

  return Update(sum(u.batches for u in updates), apply)


def together(*updates: Update, same_key: bool = True) -> Update:
  """One update after the other on the same batches.

  Args:
    same_key: whether they draw the same; else each has a key of its own
  """

  def apply(state: TrainState, batches: Any, key: Array):
    metrics = {}
    for i, update in enumerate(updates):
      # A clone tells JAX's check of key reuse that this one is meant.
      own = jax.random.clone(key) if same_key else jax.random.fold_in(key, i)
      state, more = update.apply(state, batches, own)
      metrics = metrics | more
    return state, metrics

  return Update(max(u.batches for u in updates), apply)


def repeat(
  update: Update,
  times: int,
  prepare: Callable[[TrainState, Any, Array], Any] | None = None,
) -> Update:
  """The same update several times, each on fresh batches; one scan.

  Args:
    prepare: (state, batches, key) -> inputs of the update in place of its
      batches, with the same leading axis. It runs once, before the first
      repetition: for work that only reads players which `update` leaves
      alone, such as sampling from a frozen generator.

  The metrics are those of the last repetition.
  """

  def apply(state: TrainState, batches: Any, key: Array):
    k_prepare, k_steps = jax.random.split(key)
    if prepare is not None:
      batches = prepare(state, batches, k_prepare)
    inputs = jax.tree.map(
      lambda x: x.reshape(times, update.batches, *x.shape[1:]), batches
    )

    def body(state, xs):
      own, i = xs
      return update.apply(state, own, jax.random.fold_in(k_steps, i))

    state, metrics = jax.lax.scan(body, state, (inputs, jnp.arange(times)))
    return state, jax.tree.map(lambda x: x[-1], metrics)

  return Update(times * update.batches, apply)


def every(update: Update, times: int) -> Update:
  """The update in every `times`-th iteration of the run, nothing else between.

  It reports no metrics, as most of the time it has none.
  """

  def apply(state: TrainState, batches: Any, key: Array):
    state = jax.lax.cond(
      state.step % times == 0,
      lambda: update.apply(state, batches, key)[0],
      lambda: state,
    )
    return state, {}

  return Update(update.batches, apply)
