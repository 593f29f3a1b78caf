"""Monte Carlo rollouts: random completions of every prefix of a sample."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.decode.sampling import Sampled, by_inversion
from moegan_jax.ops import devices, random
from moegan_jax.types import Array, Generator, Params


def rollout_keys(row_keys: Array, length: int, rollouts: int) -> Array:
  """Returns the key words of all completions.

  Args:
    row_keys: uint32 [n, 2], not used for any other draw
    length: T
    rollouts: N

  Returns:
    uint32 [T - 1, N, n, 2]. Entry [t - 1, i] belongs to completion i of the
    first t tokens and depends on the key of its row, t and i only.
  """
  t = jnp.arange(1, length, dtype=jnp.uint32)[:, None, None]
  i = jnp.arange(rollouts, dtype=jnp.uint32)[None, :, None]
  k0, k1 = row_keys.T[:, None, None]
  words = random.threefry2x32(k0, k1, t, i)
  return jnp.stack(words, axis=-1)


def complete(
  generator: Generator,
  params: Params,
  sampled: Sampled,
  keys: Array,
  *,
  every: int = 1,
  temperature: Array | float = 1.0,
  truncate: Callable[[Array], Array] = lambda logits: logits,
  unroll: int = 1,
) -> Array:
  """Completes the proper prefixes of a sample.

  Args:
    generator: the generator
    params: its parameters
    sampled: the sample, from `sample` with `states=True`. The states may come
      from other parameters; then the first token of a completion does, too.
    keys: uint32 [M, N, n, 2], entries c - 1, 2 c - 1, ... of `rollout_keys`
    every: c; the prefixes are those of c, 2 c, ... tokens, fewer than T
    temperature: see `sample`
    truncate: see `sample`
    unroll: see `ops.devices.unroll`

  Returns:
    int32 [M, N, n, T], M = ceil(T / c) - 1. Entry [m - 1] begins with the first
    c m tokens.

  A prefix of t tokens needs T - t steps. Two prefixes of t and T - t tokens
  together need T, so they share a slot of one scan over T steps: the slot
  completes the first one and then takes the state of the second one. If c does
  not divide T, the next multiple of c takes the place of T here. All
  completions together cost N T (T - 1) / 2 steps per row for c = 1, or N T / 2
  more for an even T, and about one c-th of it for larger c.
  """
  tokens, states = sampled.tokens, sampled.states
  n, length = tokens.shape
  rollouts, count = keys.shape[1], -(-length // every)
  total, slots = count * every, count // 2
  if not slots:
    return jnp.zeros((0, rollouts, n, length), jnp.int32)
  params = generator.prepare(params)

  def step(carry, fed):
    return generator.step(params, carry, generator.embed(params, fed))

  step = jax.vmap(jax.vmap(step))  # over the slots and the completions
  # Tokens of the first prefix of each slot; the second one has `total - own`.
  own = every * jnp.arange(1, slots + 1)

  def repeated(x: Array) -> Array:
    return jnp.broadcast_to(x[:, None], (len(x), rollouts, *x.shape[1:]))

  def body(state, inputs):
    t, at_t, last = inputs
    # The slot whose first prefix is complete, if any, takes the state at t.
    slot, turns = (total - t) // every - 1, t >= total - every * slots
    slot, turns = jnp.minimum(slot, slots - 1), turns & (t % every == 0)
    carry, fed = jax.tree.map(
      lambda all, one: all.at[slot].set(jnp.where(turns, one[None], all[slot])),
      state,
      (at_t, last),
    )
    first = t < length - own
    prefix = jnp.where(first, own, total - own)
    position = jnp.where(first, own + t, t)
    carry, hidden = step(carry, fed)
    logits = truncate(generator.readout(params, hidden) / temperature)
    own_keys = keys[prefix // every - 1]
    token = by_inversion(logits, own_keys, position[:, None, None])
    return (carry, token), token

  start = (
    jax.tree.map(
      lambda x: repeated(x[every : every * slots + 1 : every]), states
    ),
    repeated(tokens.T[every - 1 : every * slots : every]),
  )
  last = jnp.concatenate([tokens.T[:1], tokens.T[:-1]])
  _, drawn = jax.lax.scan(
    body,
    start,
    (jnp.arange(length), states, last),
    unroll=devices.unroll(unroll),
  )
  # drawn: [T, slots, N, n]. For c = 1, prefix t is the first one of slot t - 1,
  # which draws position p at step p - t, or the second one of slot T - t - 1.
  t, p = np.arange(every, length, every)[:, None], np.arange(length)[None]
  is_first = t <= every * slots
  slot = np.where(is_first, t, total - t) // every - 1
  taken = drawn[np.where(is_first, np.maximum(p - t, 0), p), slot]
  completed = jnp.moveaxis(taken, 1, -1)  # [M, N, n, T]
  return jnp.where((p < t)[:, None, None], tokens[None, None], completed)


def returns(
  generator: Generator,
  params: Params,
  sampled: Sampled,
  row_keys: Array,
  score: Callable[[Array], Array],
  *,
  rollouts: int,
  chunk: int,
  every: int = 1,
  **options,
) -> Array:
  """Estimates the expected score of a sequence after each of its tokens.

  Args:
    generator: the generator that completes the prefixes
    params: its parameters
    sampled: see `complete`
    row_keys: uint32 [n, 2], not used for any other draw
    score: int32 [m, T] -> [m]
    rollouts: N, completions of each prefix
    chunk: completions of a prefix that are computed at once, a divisor of N;
      memory is proportional to it
    every: c; only prefixes of c, 2 c, ... tokens are completed
    **options: of `complete`

  Returns:
    Q [n, T] (SeqGAN, Yu et al. 2017, Eq 4). Q[:, t] is the mean score of N
    sequences that begin with the first t + 1 tokens. Q[:, T - 1] is the score
    of the sample itself. With c > 1, Q[:, t] of a prefix without completions is
    that of its longest prefix with completions, and before the first one, that
    of the first one. Without any, all are the score of the sample. The
    completions are those of c = 1.
  """
  n, length = sampled.tokens.shape
  keys = rollout_keys(row_keys, length, rollouts)[every - 1 :: every]
  keys = keys.reshape(len(keys), rollouts // chunk, chunk, n, 2)

  def one_prefix(sequences: Array) -> Array:
    return score(sequences.reshape(-1, length)).reshape(-1, n).sum(0)

  def one_chunk(own: Array) -> Array:
    sequences = complete(
      generator, params, sampled, own, every=every, **options
    )
    return jax.lax.map(one_prefix, sequences)  # [M, n]

  last = score(sampled.tokens)[:, None]
  if not len(keys):
    return jnp.broadcast_to(last, (n, length))
  totals = jax.lax.map(one_chunk, jnp.moveaxis(keys, 1, 0)).sum(0)
  own = np.arange(1, length) // every  # of the prefix of t tokens
  means = totals.T[:, np.maximum(own, 1) - 1] / rollouts
  return jnp.concatenate([means, last], axis=1)
