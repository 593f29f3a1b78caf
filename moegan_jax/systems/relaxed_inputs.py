"""Inputs of the losses of GANs on relaxed samples."""

from typing import NamedTuple

from moegan_jax.types import Array, Batch, Critique


class TermInputs(NamedTuple):
  """Inputs of a term that a paper adds to the loss of a player.

  Attributes:
    tokens: int32 [B, T], real text
    embedded: [B, T, E], generated samples in the discriminator's embedding
    real: Critique of the real text, with dropout
    fake: Critique of the generated samples, with dropout
    latent: [B, Z], the latent noise of the samples, in the loss of D only; None
      in the loss of G, and without latent noise
  """

  tokens: Array
  embedded: Array
  real: Critique
  fake: Critique
  latent: Array | None


class DrawnBatches(NamedTuple):
  """Real text and samples of the frozen generator, for k discriminator updates.

  Attributes:
    real: Batch, tokens [k, B, T]
    tokens: int32 [k, B, T]
    hidden: [k, B, T, H], the hidden states of the generator
    row_keys: uint32 [k, B, 2], the keys of the samples' noise
  """

  real: Batch
  tokens: Array
  hidden: Array
  row_keys: Array
