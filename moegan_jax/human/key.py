"""The key of a study, which maps ids to sentences and systems."""

import hashlib
import json
import os
from collections.abc import Sequence
from typing import NamedTuple

from moegan_jax.errors import UserError
from moegan_jax.files import read_json

# Ids without vowels are neither words nor month names, which spreadsheets
# would convert to dates.
_LETTERS = 'bcdfghjklmnpqrstvwxz'


class RatedSentence(NamedTuple):
  """A sentence of a study.

  Attributes:
    system: name of the system that wrote it.
    line: its number in the text, from 1, without blank lines.
    sentence: the text.
  """

  system: str
  line: int
  sentence: str


class StudyKey(NamedTuple):
  """The key of a study, which raters must not see.

  Attributes:
    tag: prefix of all ids of this key; differs between studies.
    blank: system -> number of blank lines in its text, in the given order.
    items: id -> sentence.
  """

  tag: str
  blank: dict[str, int]
  items: dict[str, RatedSentence]


def order(n: int, seed: int, use: int) -> list[int]:
  """Returns a random permutation of range(n).

  Args:
    n: its length.
    seed: of the study.
    use: 0 for the ids, r for rater r.
  """
  import numpy as np

  return np.random.RandomState([seed, use]).permutation(n).tolist()


def assign_ids(
  items: Sequence[RatedSentence], blank: dict[str, int], seed: int
) -> StudyKey:
  """Assigns ids whose order does not depend on the systems.

  Args:
    items: all sentences.
    blank: see `StudyKey`.
    seed: of the study.
  """
  mixed = [items[i] for i in order(len(items), seed, 0)]
  digest = hashlib.sha256(json.dumps([seed, mixed]).encode()).digest()
  tag = ''.join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:6])
  width = max(3, len(str(len(mixed))))
  ids = [f'{tag}-{i:0{width}}' for i in range(1, len(mixed) + 1)]
  return StudyKey(tag, blank, dict(zip(ids, mixed)))


def read_key(path: str | os.PathLike) -> StudyKey:
  """Reads the key of a study.

  Raises:
    UserError: the file cannot be read, or is not a key.
  """
  value = read_json(path)
  try:
    items = {id: RatedSentence(**item) for id, item in value['items'].items()}
    blank = {name: int(of['blank']) for name, of in value['systems'].items()}
    if not items or {item.system for item in items.values()} != set(blank):
      raise ValueError('items and systems do not match')
    if not all(isinstance(item.sentence, str) for item in items.values()):
      raise TypeError('a sentence is not text')
    return StudyKey(str(value['tag']), blank, items)
  except (KeyError, TypeError, ValueError, AttributeError):
    raise UserError(
      f'{path} is not a key of human-eval; pass the -key.json that make wrote'
    ) from None
