"""Tests of the benchmark corpora: published statistics and file sources.

Downloads use a local server only.
"""

import functools
import http.server
import threading
import time

import pytest

from moegan_jax.data import texygen, texygen_files
from moegan_jax.errors import UserError

TRAIN = ''.join(f'A dog number {i}.\n' for i in range(40))
TEST = 'A dog.\nA cat.'


@pytest.fixture
def cache(empty_cache, monkeypatch):
  """Returns an empty cache; removes MOEGAN_DATA_DIR from the environment."""
  monkeypatch.delenv('MOEGAN_DATA_DIR', raising=False)
  return empty_cache


@pytest.fixture
def server(tmp_path, monkeypatch):
  """Serves a small Texygen over HTTP; returns its folder."""
  folder = tmp_path / 'web'
  (folder / 'data' / 'testdata').mkdir(parents=True)
  (folder / 'data' / 'image_coco.txt').write_text(TRAIN)
  (folder / 'data' / 'testdata' / 'test_coco.txt').write_text(TEST)

  class Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
      pass

  handler = functools.partial(Handler, directory=str(folder))
  with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as httpd:
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    address = f'http://127.0.0.1:{httpd.server_port}/'
    monkeypatch.setattr(texygen_files, 'UPSTREAM', address)
    monkeypatch.setenv('NO_PROXY', '127.0.0.1')
    yield folder
    httpd.shutdown()
    thread.join()


def write_coco(folder, **files):
  folder.mkdir(parents=True, exist_ok=True)
  for name, text in files.items():
    (folder / f'{name}.txt').write_text(text)
  return str(folder)


@pytest.fixture(scope='module')
def coco(benchmark_files, tmp_path_factory):
  with pytest.MonkeyPatch.context() as patch:
    patch.setenv('MOEGAN_CACHE_DIR', str(tmp_path_factory.mktemp('cache')))
    return texygen.load_texygen('coco', directory=str(benchmark_files))


def test_coco_has_the_published_figures(coco):
  record = coco.record
  assert record['vocabulary'] == 4659
  assert coco.vocab_size == 4660
  assert coco.train.shape == (9500, 37)
  assert coco.valid.shape == (500, 37)
  assert coco.test.shape == (10000, 37)
  assert record['test_max_length'] == 34
  assert record['train_mean_length'] == pytest.approx(11.36, abs=0.005)
  assert record['test_unknown_tokens'] == pytest.approx(0.038, abs=0.0005)
  assert record['test_unknown_lines'] == pytest.approx(0.3185)
  assert record['overlap_lines'] == 15
  assert record['overlap_sentences'] == 7
  assert record['train_duplicates'] == 46  # as tokens; 41 as raw lines
  assert record['notes'] == []
  assert record['files'] == {
    name: texygen_files.registered()[name]
    for name in ('image_coco.txt', 'test_coco.txt')
  }


def test_coco_arrays_never_change(coco):
  assert coco.record['train_sha256'].startswith('ceb70e628152043e')
  assert coco.record['test_sha256'].startswith('457a06983e876f04')
  assert coco.train.max() < coco.vocab_size
  assert coco.test.max() == coco.unk
  assert coco.words(coco.train) == coco.train_words
  assert coco.text(coco.test[:1]) == ['a brown and white dog lays on a bed']


def test_the_shuffled_corpus_never_changes(benchmark_files):
  shuffled = texygen.load_texygen(
    'coco', directory=str(benchmark_files), shuffled=True
  )
  assert shuffled.name == 'coco_iid'
  assert len(shuffled.train) + len(shuffled.valid) == len(shuffled.test)
  assert shuffled.record['train_sha256'].startswith('70e81232df9d3692')
  assert shuffled.record['test_sha256'].startswith('122be72de6cf83cf')
  # Parts are alike: fewer unknown words than the 3.8 % of the benchmark.
  assert 0.01 < shuffled.record['test_unknown_tokens'] < 0.025


def test_the_shuffled_corpus_has_the_same_lines(benchmark_files, coco):
  shuffled = texygen.load_texygen(
    'coco', directory=str(benchmark_files), shuffled=True
  )

  def lines(c):
    return sorted([*c.train_words, *c.valid_words, *c.test_words])

  assert lines(shuffled) == lines(coco)


def test_builder_checks_and_keeps_the_files(benchmark_files, cache):
  data = texygen_files.prepare('coco', cache, manual_dir=str(benchmark_files))
  assert data['train'] == (benchmark_files / 'image_coco.txt').read_bytes()
  assert data['test'] == (benchmark_files / 'test_coco.txt').read_bytes()


def test_builder_refuses_a_wrong_checksum(cache, tmp_path):
  folder = write_coco(tmp_path / 'own', image_coco=TRAIN, test_coco=TEST)
  with pytest.raises(Exception, match='wrong checksum'):
    texygen_files.prepare('coco', cache, manual_dir=folder)


def test_download_then_cache(cache, server, monkeypatch, capfd):
  corpus = texygen.load_texygen('coco')
  assert corpus.record['origin'].startswith('downloaded from http://127')
  assert 'image_coco.txt differs from upstream' in corpus.record['notes']
  assert corpus.record['test_lines'] == 2
  monkeypatch.setattr(texygen_files, 'UPSTREAM', 'http://127.0.0.1:9/')
  again = texygen.load_texygen('coco', offline=True)
  assert again.record['origin'].startswith('cache ')
  assert again.record['train_sha256'] == corpus.record['train_sha256']
  assert capfd.readouterr() == ('', '')
  for path in cache.rglob('*train.array_record*'):
    path.write_bytes(path.read_bytes()[:99])
  with pytest.raises(UserError, match='cached copy cannot be read') as caught:
    texygen.load_texygen('coco')
  assert not isinstance(caught.value, texygen_files.CorpusUnavailable)


def test_failed_downloads_are_quick_and_reported_in_one_line(
  cache, server, monkeypatch, capfd
):
  with pytest.raises(texygen_files.CorpusUnavailable, match='HTTP code: 404'):
    texygen.load_texygen('emnlp')
  monkeypatch.setattr(texygen_files, 'UPSTREAM', 'http://127.0.0.1:9/')
  with pytest.raises(texygen_files.CorpusUnavailable, match='no network'):
    texygen.load_texygen('coco')
  monkeypatch.setattr(texygen_files, '_reachable', lambda url: True)
  start = time.monotonic()
  with pytest.raises(texygen_files.CorpusUnavailable) as caught:
    texygen.load_texygen('coco')
  assert time.monotonic() - start < 10
  assert 'the download failed (ConnectionError' in str(caught.value)
  assert '\n' not in str(caught.value)
  assert capfd.readouterr() == ('', '')


def test_offline_without_cache(cache):
  with pytest.raises(
    texygen_files.CorpusUnavailable, match='downloads are off'
  ):
    texygen.load_texygen('coco', offline=True)


def test_directory_with_other_files(cache, tmp_path, monkeypatch):
  folder = write_coco(tmp_path / 'own', image_coco=TRAIN, test_coco=TEST)
  corpus = texygen.load_texygen('coco', directory=folder, valid_share=0)
  assert corpus.record['notes'] == [
    'image_coco.txt differs from upstream',
    'test_coco.txt differs from upstream',
  ]
  assert corpus.vocabulary[:4] == ('', '.', '0', '1')
  assert corpus.test_words == [['a', 'dog', '.'], ['a', 'cat', '.']]
  monkeypatch.setenv('MOEGAN_DATA_DIR', folder)
  same = texygen.load_texygen('coco', valid_share=0)
  assert same.record['train_sha256'] == corpus.record['train_sha256']


def test_directory_laid_out_as_upstream(cache, server):
  for folder in (server, server / 'data'):
    corpus = texygen.load_texygen('coco', directory=str(folder))
    assert corpus.record['test_lines'] == 2


def test_max_length_drops_training_lines_and_cuts_test_lines(cache, tmp_path):
  folder = write_coco(
    tmp_path / 'own',
    image_coco=TRAIN + 'one two three four five six\n',
    test_coco='a dog number 1 two three',
  )
  corpus = texygen.load_texygen('coco', directory=folder, max_length=5)
  assert corpus.length == 5
  assert corpus.record['test_cut'] == 1
  assert '1 training lines are longer' in corpus.record['notes'][-1]


def test_emnlp_falls_back_to_the_sample(cache, tmp_path):
  folder = write_coco(
    tmp_path / 'own', emnlp_news_sample10k=TRAIN, test_emnlp=TEST
  )
  record = texygen.load_texygen('emnlp', directory=folder).record
  assert 'training file is the 10,000-line sample' in record['notes']
  write_coco(tmp_path / 'own', emnlp_news=TRAIN * 2)
  record = texygen.load_texygen('emnlp', directory=folder).record
  assert record['train_lines'] == 76
  assert 'emnlp_news.txt has no registered checksum' in record['notes'][0]


@pytest.mark.parametrize(
  ('directory', 'message'),
  [
    ('gone', 'data directory .*gone is no directory'),
    ('half', 'data directory .*half has no test_coco.txt'),
    ('binary', 'image_coco.txt is a binary file'),
  ],
)
def test_bad_directories(cache, tmp_path, directory, message):
  write_coco(tmp_path / 'half', image_coco=TRAIN)
  write_coco(tmp_path / 'binary', image_coco='a\0', test_coco=TEST)
  with pytest.raises(UserError, match=message) as caught:
    texygen.load_texygen('coco', directory=str(tmp_path / directory))
  assert not isinstance(caught.value, texygen_files.CorpusUnavailable)


def test_unknown_name(cache):
  with pytest.raises(UserError, match='choose coco or emnlp'):
    texygen.load_texygen('cocoa')
