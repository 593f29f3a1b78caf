"""Corpora by name, and the fallback of a benchmark."""

import pytest

from moegan_jax import config, data
from moegan_jax.data import texygen
from moegan_jax.data.texygen_files import CorpusUnavailable
from moegan_jax.errors import UserError


@pytest.fixture
def unavailable(monkeypatch):
  """Makes the benchmarks unavailable."""

  def load(name, **settings):
    raise CorpusUnavailable(f'no {name}')

  monkeypatch.setattr(texygen, 'load_texygen', load)


@pytest.mark.parametrize('name', ['coco', 'emnlp'])
def test_captions_replace_a_benchmark(unavailable, name):
  settings = config.load(f'moegan:{name}').data
  settings.valid_share, settings.limit = 0.5, 7
  corpus, reason = data.load(settings)
  assert corpus.name == 'captions' and reason == f'no {name}'
  assert len(corpus.train) == 7
  assert len(corpus.valid) == len(corpus.test) / 2 == 5000


def test_benchmark_without_a_fallback_is_an_error(unavailable):
  settings = config.load('moegan:coco').data
  settings.offline_fallback = ''
  with pytest.raises(CorpusUnavailable, match='no coco'):
    data.load(settings)
  settings.offline_fallback = 'oracle'  # its settings are not in this section
  with pytest.raises(UserError, match=r"offline_fallback='oracle' .*captions"):
    data.load(settings)


def test_benchmark_gets_its_settings(monkeypatch):
  def load(name, **given):
    found.append((name, given))
    raise CorpusUnavailable('')

  found = []
  monkeypatch.setattr(texygen, 'load_texygen', load)
  settings = config.load('moegan:coco').data
  settings.update(name='coco_iid', dir='here', max_length=9, valid_share=0.25)
  settings.offline_fallback = ''
  with pytest.raises(CorpusUnavailable):
    data.load(settings)
  given = {'directory': 'here', 'max_length': 9, 'valid_share': 0.25}
  assert found == [('coco', given | {'shuffled': True})]
