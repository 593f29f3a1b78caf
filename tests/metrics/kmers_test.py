"""k-mers against manual counts."""

import math

import pytest

from moegan_jax.metrics import Texts, text_measures


def js(samples, references, kind='fasta'):
  texts = Texts(*[[*map(list, s)] for s in (samples, references)], kind=kind)
  return text_measures(texts, ('kmer_js',))


def test_by_hand():
  # p = (1, 0) against q = (1/2, 1/2): H(m) - H(q) / 2 with m = (3/4, 1/4).
  mixed = -(0.75 * math.log(0.75) + 0.25 * math.log(0.25))
  found = js(['ACGTAC'], ['ACGTAC', 'ACGTAG'])
  assert found['kmer_js6'] == pytest.approx(mixed - math.log(2) / 2)
  assert js(['ACGTACG'], ['ACGTACG'])['kmer_js6'] == 0
  assert js(['AAAAAA'], ['CCCCCC'])['kmer_js6'] == pytest.approx(math.log(2))


def test_short_sequences_and_other_text_have_none():
  assert js(['ACGTA'], ['ACGTAC']) == {}
  assert js(['ACGTAC'], ['ACGTAC'], kind='char') == {}
