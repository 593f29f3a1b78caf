"""Subsets of sentences."""

import numpy as np

from moegan_jax.metrics.measure import Sentences


def evenly(sentences: Sentences, limit: int) -> Sentences:
  """Selects at most `limit` evenly spaced sentences.

  Args:
    sentences: any number of sentences; the first one is always selected.
    limit: the number to select, at least 1.

  Returns:
    All sentences if there are at most `limit`.
  """
  total = len(sentences)
  if total <= limit:
    return sentences
  return [sentences[i * total // limit] for i in range(limit)]


def drawn(sentences: Sentences, limit: int) -> Sentences:
  """Draws at most `limit` sentences at random, without replacement.

  A random subset keeps the share of duplicates that independent draws of that
  number have. Evenly spaced sentences of a sorted file do not.

  Args:
    sentences: any number of sentences.
    limit: the number to draw, at least 0.

  Returns:
    The sentences in their order; all of them if there are at most `limit`.
    The same arguments give the same subset.
  """
  total = len(sentences)
  if total <= limit:
    return sentences
  chosen = np.random.RandomState(0).permutation(total)[:limit]
  return [sentences[i] for i in np.sort(chosen)]
