"""Assertions about the rewards that a policy gradient gives to tokens."""

import jax
import numpy as np


def assert_own_prefixes_only(weigh, drawn, other, vocab_size):
  """Asserts that the weight of token t of row b depends on its prefix only.

  Args:
    weigh: Drawn -> weights [B, T], with a fixed key
    drawn: the samples
    other: other samples, whose rows replace all but one
    vocab_size: V
  """
  before = np.asarray(weigh(drawn))
  length = before.shape[1]
  for b in range(len(before)):
    mixed = jax.tree.map(
      lambda x, y, b=b: (
        y.at[:, b].set(x[:, b]) if x.ndim > 2 else y.at[b].set(x[b])
      ),
      drawn,
      other,
    )
    np.testing.assert_array_equal(weigh(mixed)[b], before[b])
  for t in range(length - 1):
    tokens = drawn.sampled.tokens
    later = (tokens[:, t + 1 :] + 1) % vocab_size
    tokens = tokens.at[:, t + 1 :].set(later)
    changed = drawn._replace(sampled=drawn.sampled._replace(tokens=tokens))
    after = np.asarray(weigh(changed))
    np.testing.assert_array_equal(after[:, : t + 1], before[:, : t + 1])
    assert (after[:, t + 1 :] != before[:, t + 1 :]).any()
