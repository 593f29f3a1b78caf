"""BLEU and Self-BLEU as different code bases compute them.

The same samples get different numbers from each, by how many of them are
scored, against what, and in which case; so a number without its protocol
compares to nothing. All use NLTK's sentence BLEU with `method1` smoothing,
uniform weights and NLTK word tokens, and the mean over hypotheses.
"""

from typing import NamedTuple

import numpy as np

from moegan_jax.metrics import bleu
from moegan_jax.metrics.measure import Sentences


class Profile(NamedTuple):
  """A protocol of BLEU and Self-BLEU.

  text: the protocol in one line
  cased: whether the case of words counts; lower-cased otherwise
  bleu_samples: so many of the first samples are scored by BLEU; None is all
  self_bleu_samples: the same for Self-BLEU
  self_match: whether a sample is among its own references in Self-BLEU
  """

  text: str
  cased: bool
  bleu_samples: int | None = None
  self_bleu_samples: int | None = None
  self_match: bool = False

  def bleu(
    self, samples: Sentences, references: Sentences
  ) -> dict[str, np.ndarray]:
    """bleu2 .. bleu5, [scored samples] each.

    Args:
      samples: tokenised in the profile's case, at least one.
      references: the same.
    """
    return bleu.bleu(samples[: self.bleu_samples], references)

  def self_bleu(self, samples: Sentences) -> dict[str, np.ndarray]:
    """self_bleu2 .. self_bleu5, [scored samples] each; {} for one sample."""
    if len(samples) < 2:
      return {}
    if self.self_match:
      scores = bleu.bleu(samples[: self.self_bleu_samples], samples)
      return {f'self_{key}': values for key, values in scores.items()}
    scores = bleu.self_bleu(samples)
    return {k: v[: self.self_bleu_samples] for k, v in scores.items()}


PROFILES = {
  'strict': Profile(
    'all samples against all references, lower-cased; Self-BLEU leaves one out '
    'over all samples',
    cased=False,
  ),
  # Its faster code path, first 500 references, is not what it printed.
  'texygen': Profile(
    "Texygen's published table: all samples against all references, cased; "
    'Self-BLEU leaves one out over all samples',
    cased=True,
  ),
  'relgan': Profile(
    "RelGAN's code: the first 100 samples against all references, cased; "
    'Self-BLEU of the first 200 against all samples, themselves included, so '
    'about 1 by construction',
    cased=True,
    bleu_samples=100,
    self_bleu_samples=200,
    self_match=True,
  ),
  # Its code draws 200 more samples for Self-BLEU. The first 200 against all
  # the others are as many independent draws, and need no generator.
  'textgan': Profile(
    "TextGAN-PyTorch's code: the first 200 samples against all references, "
    'lower-cased; Self-BLEU of the first 200 against all other samples',
    cased=False,
    bleu_samples=200,
    self_bleu_samples=200,
  ),
}
