"""Rewards and the discriminator loss of DPGAN, from surprisals of words.

Source: Xu et al., "Diversity-Promoting GAN" (EMNLP 2018). D is a language
model. The reward of a word is its surprisal -log D(y_t | y_<t), and that of a
text the mean over its words. Novel text is surprising, repeated text is not.
"""

import chex
import jax
import jax.numpy as jnp

Array = jax.Array


def text_mean(words: Array, counted: Array) -> Array:
  """Returns the mean over the counted positions of each text.

  Args:
    words: [B, T] or [B, T, H]
    counted: bool [B, T]

  Returns:
    [B] or [B, H]; 0 for a text without counted positions.
  """
  counted = counted.reshape(*counted.shape, *[1] * (words.ndim - 2))
  total = jnp.where(counted, words, 0).sum(1)
  return total / jnp.maximum(counted.sum(1), 1)


def diversity_rewards(words: Array, counted: Array, clip: float) -> Array:
  """Returns the products of the rewards of text and word.

  Args:
    words: [B, T], surprisals of the words in nats
    counted: bool [B, T], the positions of the text
    clip: largest reward of a word, in nats

  Returns:
    [B, T], 0 at other positions.
  """
  limited = jnp.minimum(words, clip)
  each = text_mean(limited, counted)[:, None] * limited
  return jnp.where(counted, each, 0)


def diversity_gap(
  words: Array, counted: Array, real: Array, clip: float
) -> Array:
  """Returns the loss of D: the mean reward of samples minus that of real text.

  Args:
    words: [B, T], surprisals of the words under D, in nats
    counted: bool [B, T], the positions of the text
    real: bool [B], True for real text, False for samples
    clip: largest reward of a word of real text, in nats

  Returns:
    A scalar, at least -clip. A kind of text that the batch lacks contributes 0.

  D could raise the surprisal of real text without bound, so it is clipped. That
  of samples is not: it has a lower bound, and a clip would take the gradient
  from the words that D has to learn.
  """
  chex.assert_rank([words, counted, real], [2, 2, 1])
  limited = jnp.where(real[:, None], jnp.minimum(words, clip), words)
  rewards = text_mean(limited, counted)

  def mean_of(kind: Array) -> Array:
    return jnp.where(kind, rewards, 0).sum() / jnp.maximum(kind.sum(), 1)

  return mean_of(~real) - mean_of(real)
