"""Subsets of sentences."""

from moegan_jax.metrics.subset import drawn, evenly

TEXT = [[str(i)] for i in range(100)]


def test_evenly_spaced():
  assert evenly(TEXT, 4) == [['0'], ['25'], ['50'], ['75']]
  assert evenly(TEXT, 100) == evenly(TEXT, 1000) == TEXT


def test_drawn_without_replacement_in_order():
  some = drawn(TEXT, 30)
  numbers = [int(word) for (word,) in some]
  assert numbers == sorted(set(numbers)) and len(numbers) == 30
  assert numbers != list(range(30)) and some == drawn(TEXT, 30)
  assert drawn(TEXT, 100) == drawn(TEXT, 1000) == TEXT and drawn(TEXT, 0) == []


def test_a_drawn_subset_keeps_the_share_of_duplicates():
  """A sorted file of pairs: every second sentence would have no duplicate."""
  pairs = sorted(TEXT * 2)
  assert len(set(map(tuple, evenly(pairs, 100)))) == 100
  # A sentence is missing if neither copy is drawn: 100 (1 - 1/4) = 75.
  assert 65 < len(set(map(tuple, drawn(pairs, 100)))) < 85
