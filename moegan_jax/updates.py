"""Pure training updates and combinators that build one iteration from them.

Each combinator derives the keys of its parts with `fold_in`, so no two draws
share a key, except in `together` with `same_key`.
"""

from collections.abc import Callable, Collection
from typing import Any

import jax
import jax.numpy as jnp
import optax

from moegan_jax.ops import ring
from moegan_jax.types import Array, Metrics, Params, Player, TrainState, Update

# (params of the player, state, inputs, key) -> loss, metrics
Loss = Callable[[Params, TrainState, Any, Array], tuple[Array, Metrics]]
# (state, batches, key) -> inputs that replace the batches
Prepare = Callable[[TrainState, Any, Array], Any]


def gradient_update(
  player: str, optimizer: optax.GradientTransformation, loss: Loss
) -> Update:
  """Builds an update that takes one optimizer step for one player.

  Args:
    player: the player to train; the parameters of the others stay fixed
    optimizer: optax transformation that matches the player's `opt_state`
    loss: (params, state, batch, key) -> scalar loss, metrics

  Returns:
    An Update of one batch. Its metrics are those of the loss and
    `<player>_grad_norm`, the global gradient norm before clipping.
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
  """Builds an update that applies several updates in order.

  Args:
    *updates: each takes its own batches, consecutive along the leading axis

  Returns:
    An Update of as many batches as its parts together. Its metrics are merged;
    where two parts report the same key, the later one wins.
  """

  def apply(state: TrainState, batches: Any, key: Array):
    metrics: Metrics = {}
    taken = 0
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
  """Builds an update that applies several updates in order to the same batches.

  Args:
    *updates: each takes the batches from the start of the leading axis
    same_key: whether all parts receive the same key; False derives one for
      each part

  Returns:
    An Update of as many batches as its largest part. Metrics are merged as in
    `sequence`.
  """

  def apply(state: TrainState, batches: Any, key: Array):
    metrics: Metrics = {}
    for i, update in enumerate(updates):
      # `clone` marks the reuse as intended for JAX's key-reuse checker.
      own = jax.random.clone(key) if same_key else jax.random.fold_in(key, i)
      state, more = update.apply(state, batches, own)
      metrics = metrics | more
    return state, metrics

  return Update(max(u.batches for u in updates), apply)


def repeat(
  update: Update,
  times: int,
  prepare: Prepare | None = None,
) -> Update:
  """Builds an update that applies one update several times in a scan.

  Args:
    update: applied to fresh batches and with a fresh key in each repetition
    times: number of repetitions
    prepare: (state, batches, key) -> inputs that replace the batches, with the
      same leading axis. It runs once, before the first repetition. Use it for
      work that reads only players which `update` does not train, such as
      sampling from a frozen generator.

  Returns:
    An Update of `times * update.batches` batches. Its metrics are those of the
    last repetition.
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


def remember(update: Update, names: Collection[str]) -> Update:
  """Builds an update that stores metrics of another one in the memory.

  Args:
    update: the other update
    names: metrics, which are also keys of `TrainState.memory`

  Returns:
    An Update with the batches and metrics of the other one. A loss can thus
    keep a value that it computes, such as the moving average of rewards.
  """

  def apply(state: TrainState, batches: Any, key: Array):
    state, metrics = update.apply(state, batches, key)
    kept = {name: metrics[name] for name in names}
    return state.replace(memory=state.memory | kept), metrics

  return Update(update.batches, apply) if names else update


def ema_update(
  name: str,
  player: str,
  rate: Array | float,
  copied: Collection[str] = (),
) -> Update:
  """Builds an update of a moving average of parameters in the memory.

  Args:
    name: key of `TrainState.memory`, which holds the average
    player: the player to average; its parameters are a dict of groups
    rate: share of the average that one application keeps
    copied: groups that are copied instead of averaged

  Returns:
    An Update without batches and metrics, which sets the average to
    rate * average + (1 - rate) * parameters.
  """

  def apply(state: TrainState, batches: Any, key: Array):
    del batches, key
    params = state.players[player].params
    average = optax.incremental_update(params, state.memory[name], 1 - rate)
    average |= {group: params[group] for group in copied}
    return state.replace(memory=state.memory | {name: average}), {}

  return Update(0, apply)


def ring_update(
  name: str, sample: Callable[[TrainState, Any, Array], Array]
) -> Update:
  """Builds an update that puts new samples into a ring buffer of the memory.

  Args:
    name: key of `TrainState.memory`, which holds an `ops.ring.Ring`
    sample: (state, batches, key) -> int32 [m, T]; it reads the shape of the
      batches only

  Returns:
    An Update without batches and metrics.
  """

  def apply(state: TrainState, batches: Any, key: Array):
    new = ring.put(state.memory[name], sample(state, batches, key))
    return state.replace(memory=state.memory | {name: new}), {}

  return Update(0, apply)


def every(update: Update, times: int) -> Update:
  """Builds an update that applies another one where the step is divisible.

  Args:
    update: applied where `state.step` is a multiple of `times`
    times: the interval in iterations, counted by the global step

  Returns:
    An Update without metrics, because most iterations compute none. It takes
    its batches in every iteration.
  """

  def apply(state: TrainState, batches: Any, key: Array):
    state = jax.lax.cond(
      state.step % times == 0,
      lambda: update.apply(state, batches, key)[0],
      lambda: state,
    )
    return state, {}

  return Update(update.batches, apply)
