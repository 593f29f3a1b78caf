"""Validity, uniqueness and novelty of SMILES, as in MOSES.

Polykovskiy et al., Molecular Sets (2020):

    valid    samples that RDKit reads as a molecule / samples
    unique   distinct molecules / valid samples
    novel    distinct molecules that training text lacks / distinct molecules

Molecules are equal if their canonical SMILES by RDKit are. `unique` falls with
the number of samples. Real text can have invalid and repeated molecules, too.
"""

import functools

import numpy as np

from moegan_jax.metrics.measure import Measure, Metric, Sentences, Texts

_KIND, _PACKAGE = 'smiles', 'rdkit'


@functools.lru_cache(1 << 19)
def _canonical(smiles: str) -> str:
  """Returns the canonical SMILES, or '' for an invalid or empty molecule."""
  from rdkit import Chem

  # RDKit would read what follows a blank as the name of the molecule.
  if any(map(str.isspace, smiles)):
    return ''
  molecule = Chem.MolFromSmiles(smiles)
  return Chem.MolToSmiles(molecule) if molecule is not None else ''


def canonical(sentences: Sentences) -> list[str]:
  """Converts sentences of SMILES tokens to canonical SMILES.

  Args:
    sentences: tokens of any strings, valid molecules or not.

  Returns:
    One string for each sentence; '' for an invalid or empty molecule.
  """
  from rdkit import rdBase

  with rdBase.BlockLogs():  # RDKit logs a line for each invalid molecule
    return [_canonical(''.join(tokens)) for tokens in sentences]


def _molecules(texts: Texts) -> dict[str, float | np.ndarray]:
  found = canonical(texts.samples)
  valid = [smiles for smiles in found if smiles]
  values: dict[str, float | np.ndarray] = {
    'valid_molecules': np.array([bool(smiles) for smiles in found])
  }
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
      'valid',
      'higher',
      'share of samples that are valid molecules by RDKit',
      'quality',
    ),
    'unique_molecules': Metric(
      'unique',
      'higher',
      'distinct molecules / valid samples; falls with the number of samples',
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
      'novel', 'real', 'share of distinct molecules that training text lacks'
    ),
  },
  _novel,
  ('train',),
  kind=_KIND,
  package=_PACKAGE,
)
