"""Molecules against manual counts, and without RDKit."""

import sys

import pytest

from moegan_jax.metrics import MEASURES, Texts, left_out, text_measures

NAMES = ('molecules', 'novel_molecules')
# Ethanol twice, benzene, an open ring, a wrong valence, an empty sample.
SAMPLES = [['C', 'C', 'O'], ['O', 'C', 'C'], list('c1ccccc1')]
SAMPLES += [list('C1CC'), ['C', *'(C)(C)(C)(C)C'], []]


def test_molecules_by_hand(capfd):
  texts = Texts(SAMPLES, train=[list('C1=CC=CC=C1')], kind='smiles')
  found = text_measures(texts, NAMES)
  assert found == pytest.approx(
    {
      'valid_molecules': 3 / 6,
      'unique_molecules': 2 / 3,  # ethanol and benzene
      'novel_molecules': 1 / 2,  # the training text has benzene
    }
  )
  assert capfd.readouterr().err == ''


def test_without_a_valid_molecule_there_is_nothing_to_count():
  texts = Texts([['(']], train=[['C']], kind='smiles')
  assert text_measures(texts, NAMES) == {'valid_molecules': 0.0}


def test_other_text_has_no_molecules():
  assert text_measures(Texts(SAMPLES, train=SAMPLES), NAMES) == {}
  assert left_out('word') == left_out('smiles') == []


def test_without_rdkit_the_measures_are_left_out(monkeypatch):
  monkeypatch.setattr(
    'importlib.util.find_spec', lambda name: None if name == 'rdkit' else name
  )
  monkeypatch.setitem(sys.modules, 'rdkit', None)
  texts = Texts(SAMPLES, train=SAMPLES, kind='smiles')
  assert not any(MEASURES[name].fits(texts) for name in NAMES)
  assert text_measures(texts, ('diversity', *NAMES)).keys() >= {'copied'}
  said = ' '.join(left_out('smiles'))
  assert 'no valid, unique: ' in said and 'pip install rdkit' in said
  assert left_out('word') == []


def test_text_after_a_blank_is_no_name_of_a_molecule():
  texts = Texts([list('CCO ethanol'), ['C', 'C', 'O']], kind='smiles')
  assert text_measures(texts, NAMES)['valid_molecules'] == 1 / 2
