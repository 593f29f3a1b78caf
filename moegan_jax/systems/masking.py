"""How MaskGAN masks real text, and how G fills it in."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax import decode
from moegan_jax.errors import UserError, unknown
from moegan_jax.losses.likelihood import log_likelihood
from moegan_jax.losses.masked import MASKS, draw_given, log_rewards
from moegan_jax.losses.policy_gradient import rewards_to_go
from moegan_jax.nets.masked import MaskedCritic, masked
from moegan_jax.ops import random
from moegan_jax.ops.ends import end_mask, padded
from moegan_jax.systems.likelihood import positive
from moegan_jax.types import (
  Array,
  Critique,
  Generator,
  Params,
  Spec,
  TrainState,
)


class Filling(NamedTuple):
  """A real text with blanks, and what G wrote into them.

  Attributes:
    context: int32 [n, T], the masked text
    text: int32 [n, T], the filled text, with pad after its end
    counted: bool [n, T], masked positions up to the end of the filled text
    real_counted: bool [n, T], masked positions up to the end of the real text
  """

  context: Array
  text: Array
  counted: Array
  real_counted: Array


class MaskedGame(NamedTuple):
  """G and D of MaskGAN, and how texts are masked.

  Attributes:
    gen: G
    disc: D and its critic
    spec: the properties of the corpus
    mask, present, whole: see `losses.masked.draw_given`
    discount: of later rewards
    clip: largest advantage
    unroll: see `ops.devices.unroll`
  """

  gen: Generator
  disc: MaskedCritic
  spec: Spec
  mask: str
  present: float
  whole: float
  discount: float
  clip: float
  unroll: int

  def given(self, key: Array, n: int) -> Array:
    """Draws which tokens of n texts are given, bool [n, T]."""
    return draw_given(
      key,
      n,
      self.spec.length,
      mask=self.mask,
      present=self.present,
      whole=self.whole,
    )

  def fill(self, state: TrainState, tokens: Array, key: Array) -> Filling:
    """Masks real text and lets G fill it in, without a gradient.

    Args:
      state: the training state
      tokens: int32 [n, T], real text
      key: key of the masks and of the tokens
    """
    k_mask, k_rows = jax.random.split(key)
    n, pad = tokens.shape[0], self.spec.pad
    given = self.given(k_mask, n)
    context = masked(tokens, given, self.spec.vocab_size)
    written = decode.sample(
      self.gen,
      state.players['generator'].params,
      random.row_keys(k_rows, n),
      length=self.spec.length,
      prefix=tokens,
      given=given,
      context=context,
      unroll=self.unroll,
      choose=decode.by_inversion,
    ).tokens
    return Filling(
      context,
      padded(written, pad),
      ~given & end_mask(written, pad),
      ~given & end_mask(tokens, pad),
    )

  def log_probs(self, params: Params, tokens: Array, context: Array) -> Array:
    """Returns log G(token_t | prefix, masked text), [n, T]."""
    logits = decode.teacher_force(
      self.gen, params, tokens, context=context, unroll=self.unroll
    )
    return log_likelihood(logits, tokens)

  def returns(self, logits: Array, counted: Array) -> tuple[Array, Array]:
    """Returns the rewards r_t and their discounted sums R_t, [n, T] each.

    Args:
      logits: [n, T] of D
      counted: bool [n, T], masked positions
    """
    rewards = log_rewards(logits, counted)
    return rewards, rewards_to_go(rewards, self.discount)

  def critique(self, phi: Params, tokens: Array) -> Critique:
    """Returns D's critique of text of which nothing is given."""
    context = jnp.full_like(tokens, self.spec.vocab_size + 1)
    judged = self.disc.judge(phi, context, tokens, None)
    return Critique(judged.logits, judged.before.mean(1, keepdims=True))

  def sample(
    self,
    state: TrainState,
    key: Array,
    n: int,
    temperature: Array | float = 1.0,
    first: Array | int = 0,
    **options: Any,
  ) -> Array:
    """Draws samples; see `types.System.sample`.

    The encoder reads given tokens at once, so each drawn token is conditioned
    on all of them.
    """
    context = None
    if 'given' in options:
      given, prefix = options['given'], options['prefix']
      context = masked(prefix, given, self.spec.vocab_size)
    return decode.sample(
      self.gen,
      state.players['generator'].params,
      random.row_keys(key, n, first),
      length=self.spec.length,
      temperature=temperature,
      context=context,
      unroll=self.unroll,
      **options,
    ).tokens


def masked_game(
  gen: Generator,
  disc: MaskedCritic,
  spec: Spec,
  *,
  mask: str,
  present: float,
  whole: float,
  discount: float,
  clip: float,
  unroll: int,
) -> MaskedGame:
  """Builds the game from the section `maskgan` of a configuration.

  Args:
    gen, disc, spec, mask, present, whole, discount, clip, unroll: see
      `MaskedGame`

  Raises:
    UserError: an unknown mask, or a value out of range.
  """
  if mask not in MASKS:
    raise unknown('maskgan.mask', mask, MASKS)
  shares = {'present': present, 'whole': whole, 'discount': discount}
  for name, value in shares.items():
    if not 0 <= value <= 1:
      raise UserError(f'maskgan.{name}={value} must be in [0, 1]')
  if present == 1 and not whole:
    raise UserError(
      'maskgan.present=1.0 masks no token, so nothing is learnt; lower it'
    )
  positive(maskgan__clip=clip)
  return MaskedGame(
    gen, disc, spec, mask, present, whole, discount, clip, unroll
  )
