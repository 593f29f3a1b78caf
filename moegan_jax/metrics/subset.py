"""A smaller set of sentences, where all of them would take too long."""

from moegan_jax.metrics.measure import Sentences


def evenly(sentences: Sentences, limit: int) -> Sentences:
  """`limit` sentences at even distances, or all where there are no more.

  Args:
    sentences: any number; the first one is always taken.
    limit: at least 1.
  """
  total = len(sentences)
  if total <= limit:
    return sentences
  return [sentences[i * total // limit] for i in range(limit)]
