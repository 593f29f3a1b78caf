"""What RDKit says of generated SMILES, as in MOSES (Polykovskiy et al., 2020).

  valid    share of the samples that RDKit reads as a molecule
  unique   different molecules / valid samples
  novel    share of the different molecules that training text lacks

Molecules are compared by RDKit's canonical SMILES. `unique` falls with the
number of samples. Real text need not be all valid, nor all unique.
"""

import functools

import numpy as np

from moegan_jax.metrics.measure import Measure, Metric, Sentences, Texts

_KIND, _PACKAGE = 'smiles', 'rdkit'


@functools.lru_cache(1 << 19)
def _canonical(smiles: str) -> str:
  """Canonical SMILES; '' for what is no molecule, or an empty one."""
  from rdkit import Chem

  molecule = Chem.MolFromSmiles(smiles)
  return Chem.MolToSmiles(molecule) if molecule is not None else ''


def canonical(sentences: Sentences) -> list[str]:
  """Canonical SMILES of every sentence of atoms; '' for what is no molecule."""
  from rdkit import rdBase

  with rdBase.BlockLogs():  # a line for each invalid sample otherwise
    return [_canonical(''.join(tokens)) for tokens in sentences]


def _molecules(texts: Texts) -> dict[str, float | np.ndarray]:
  found = canonical(texts.samples)
  valid = [smiles for smiles in found if smiles]
  values = {'valid_molecules': np.array([bool(smiles) for smiles in found])}
  if not valid:
    return values
  return values | {'unique_molecules': len(set(valid)) / len(valid)}


def _novel(texts: Texts) -> dict[str, float | np.ndarray]:
  ours = sorted({smiles for smiles in canonical(texts.samples) if smiles})
  known = set(canonical(texts.train))
  novel = np.array([smiles not in known for smiles in ours], float)
  return {'novel_molecules': novel.mean()} if ours else {}


MOLECULES = Measure(
  {
    'valid_molecules': Metric(
      'valid', 'higher', 'share of samples that RDKit reads', 'quality'
    ),
    'unique_molecules': Metric(
      'unique',
      'higher',
      'different molecules / valid samples; falls with their number',
      'diversity',
    ),
  },
  _molecules,
  kind=_KIND,
  package=_PACKAGE,
)

NOVEL_MOLECULES = Measure(
  {
    'novel_molecules': Metric(
      'novel', 'real', 'share of different molecules that training text lacks'
    ),
  },
  _novel,
  ('train',),
  kind=_KIND,
  package=_PACKAGE,
)
