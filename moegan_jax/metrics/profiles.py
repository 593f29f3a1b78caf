"""Protocols of BLEU and Self-BLEU in published code bases.

The protocols differ in the number of scored samples, in the references and in
the case of words, and give different numbers for the same samples. Numbers of
different protocols are not comparable. All use NLTK's sentence BLEU with
`method1` smoothing and uniform weights, NLTK word tokens, and the mean over
hypotheses.
"""

from typing import NamedTuple

import numpy as np

from moegan_jax.metrics import bleu
from moegan_jax.metrics.measure import Sentences


class Profile(NamedTuple):
  """A protocol of BLEU and Self-BLEU.

  Attributes:
    text: the protocol in one line.
    cased: whether words keep their case; they are lower-cased otherwise.
    bleu_samples: the number of first samples that BLEU scores; None for all.
    self_bleu_samples: the number of first samples that Self-BLEU scores; None
      for all.
    self_match: whether Self-BLEU compares a sample with itself, too.
  """

  text: str
  cased: bool
  bleu_samples: int | None = None
  self_bleu_samples: int | None = None
  self_match: bool = False

  def bleu(
    self, samples: Sentences, references: Sentences
  ) -> dict[str, np.ndarray]:
    """Computes bleu2 .. bleu5.

    Args:
      samples: tokenised in the case of the profile, at least one.
      references: tokenised in the case of the profile, at least one.

    Returns:
      [scored samples] each.
    """
    return bleu.bleu(samples[: self.bleu_samples], references)

  def self_bleu(self, samples: Sentences) -> dict[str, np.ndarray]:
    """Computes self_bleu2 .. self_bleu5.

    Args:
      samples: tokenised in the case of the profile.

    Returns:
      [scored samples] each; {} for fewer than two samples.
    """
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
  # Texygen also has a faster mode with the first 500 references. The published
  # table does not use it.
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
  # The code draws 200 more samples for Self-BLEU. Comparing the first 200 with
  # all others uses as many independent draws and needs no generator.
  'textgan': Profile(
    "TextGAN-PyTorch's code: the first 200 samples against all references, "
    'lower-cased; Self-BLEU of the first 200 against all other samples',
    cased=False,
    bleu_samples=200,
    self_bleu_samples=200,
  ),
}
