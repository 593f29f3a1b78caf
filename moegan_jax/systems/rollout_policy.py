"""The policy that completes the prefixes of samples (SeqGAN, section 3.1)."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax import decode
from moegan_jax.errors import UserError, at_least, unknown
from moegan_jax.ops import random
from moegan_jax.systems.policy_gan import Drawn, PolicyGAN
from moegan_jax.types import Array, Player, TrainState, Update
from moegan_jax.updates import ema_update

AVERAGE = 'rollout'  # key of the moving average in `TrainState.memory`


class RolloutPolicy(NamedTuple):
  """The rollout policy and the number of completions.

  Attributes:
    rate: share of the moving average that an iteration keeps; None completes
      with the parameters of G itself
    samples: N, completions of each prefix
    chunk: completions of a prefix that are computed at once
  """

  rate: float | None
  samples: int
  chunk: int

  def returns(
    self,
    gan: PolicyGAN,
    state: TrainState,
    drawn: Drawn,
    score: Callable[[Array], Array],
    key: Array,
    every: int = 1,
  ) -> Array:
    """Estimates the expected score of each sample after each of its tokens.

    Args:
      gan: the generator and its options
      state: the training state
      drawn: the samples
      score: int32 [m, T] -> [m]
      key: key of the completions
      every: see `decode.returns`

    Returns:
      Q [B, T], see `decode.returns`.
    """
    gen, spec, unroll = gan.train.gen, gan.train.spec, gan.train.unroll
    params, sampled = gan.train.parameters(state), drawn.sampled
    if self.rate is not None:
      # The average reads the prefixes, too: their states are its own.
      params = gan.train.view(state.memory[AVERAGE], state)
      hidden, states = decode.decode(
        gen,
        params,
        lambda hidden, t: (None, hidden),
        n=len(sampled.tokens),
        length=spec.length,
        given=sampled.tokens,
        context=drawn.context,
        unroll=unroll,
        states=True,
      )
      sampled = decode.Sampled(sampled.tokens, hidden, states)
    return decode.returns(
      gen,
      params,
      sampled,
      random.row_keys(key, sampled.tokens.shape[0]),
      score,
      rollouts=self.samples,
      chunk=self.chunk,
      every=every,
      unroll=unroll,
    )

  def updates(self) -> tuple[Update, ...]:
    """Returns the update of the moving average, or none.

    The embedding is copied and not averaged, as in the published code.
    """
    if self.rate is None:
      return ()
    return (ema_update(AVERAGE, 'generator', self.rate, copied=('embed',)),)

  def memory(self, players: dict[str, Player]) -> dict[str, Any]:
    """Returns the initial `TrainState.memory`."""
    if self.rate is None:
      return {}
    return {AVERAGE: jax.tree.map(jnp.copy, players['generator'].params)}

  def enter(self, state: TrainState) -> TrainState:
    """Starts the moving average at the pre-trained generator."""
    return state.replace(memory=state.memory | self.memory(state.players))


def rollout_policy(
  *, policy: str, samples: int, chunk: int, rate: float | None = None
) -> RolloutPolicy:
  """Builds the rollout policy from the section `rollout` of a configuration.

  Args:
    policy: 'ema' completes with a moving average of the generator's
      parameters, 'live' with the generator itself
    samples: N, completions of each prefix
    chunk: completions of a prefix that are computed at once, a divisor of N
    rate: of 'ema', in [0, 1)

  Raises:
    UserError: an unknown policy, or a value out of range.
  """
  if policy not in ('ema', 'live'):
    raise unknown('rollout.policy', policy, ('ema', 'live'))
  at_least('rollout.samples', samples, 1)
  if chunk < 1 or samples % chunk:
    raise UserError(
      f'rollout.chunk={chunk} must divide rollout.samples={samples}'
    )
  if rate is not None and not 0 <= rate < 1:
    raise UserError(f'rollout.rate={rate} must be in [0, 1)')
  return RolloutPolicy(rate, samples, chunk)
