"""Texts and studies for the tests of the human evaluation."""

import pytest
from human_studies import make_study, write_texts


@pytest.fixture
def texts(tmp_path):
  """Returns name -> file of two texts of 40 lines."""
  return write_texts(tmp_path / 'texts')


@pytest.fixture
def study(texts, tmp_path):
  """Returns the files of a study: three sheets, key and guide."""
  return make_study(texts, tmp_path)
