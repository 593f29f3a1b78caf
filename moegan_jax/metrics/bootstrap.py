"""Bootstrap confidence intervals of averages over sentences."""

from collections.abc import Mapping

import numpy as np

RESAMPLES = 1000


def intervals(
  values: Mapping[str, np.ndarray], level: float = 0.95, seed: int = 0
) -> dict[str, float]:
  """Computes percentile intervals of means (Efron, 1979).

  All values of one length are resampled together, so the numbers of a
  sentence stay together. Texts that a sentence is compared with, such as the
  other samples in Self-BLEU, are not resampled.

  Args:
    values: key -> [n], one number per sentence; n may differ by key.
    level: the nominal coverage of the interval.
    seed: of the resampling.

  Returns:
    KEY_low and KEY_high of every key; keys without sentences are left out.
  """
  found: dict[str, float] = {}
  lengths = {len(v) for v in values.values()} - {0}
  for n in sorted(lengths):
    keys = [k for k, v in values.items() if len(v) == n]
    table = np.stack([np.asarray(values[k], np.float64) for k in keys], axis=1)
    rng = np.random.RandomState(seed)
    means = np.empty((RESAMPLES, len(keys)))
    for i in range(RESAMPLES):
      drawn = rng.randint(0, n, n, dtype=np.int32)
      # Counting the draws of each sentence avoids a copy of the rows.
      means[i] = np.bincount(drawn, minlength=n) @ table / n
    tails = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(means, tails, axis=0)
    for i, key in enumerate(keys):
      found[f'{key}_low'] = float(low[i])
      found[f'{key}_high'] = float(high[i])
  return found
