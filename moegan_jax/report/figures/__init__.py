"""Figures of one run or of several; `report.style` saves them."""

from moegan_jax.report.figures.along_training import (
  losses,
  measures,
  training,
)
from moegan_jax.report.figures.over_temperature import temperatures
from moegan_jax.report.figures.sentences import embeddings, lengths

__all__ = [
  'embeddings',
  'lengths',
  'losses',
  'measures',
  'temperatures',
  'training',
]
