"""Tests of finding the texts of an earlier run."""

import pytest
from ml_collections import ConfigDict

from moegan_jax.data import texts
from moegan_jax.errors import UserError


@pytest.fixture
def place(tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  (tmp_path / 'a.txt').write_text('a\n')
  (tmp_path / 'b.txt').write_text('b\n')
  (tmp_path / 'moved').mkdir()
  (tmp_path / 'elsewhere').mkdir()
  return tmp_path


def settings(name='text', path='a.txt', test_path='', folder='', paths=''):
  return ConfigDict(
    {
      'name': name,
      'path': path,
      'paths': paths,
      'test_path': test_path,
      'dir': folder,
      'oracle_file': '',
    }
  )


def test_recorded_paths_are_absolute(place, monkeypatch):
  monkeypatch.setenv('HOME', str(place))
  assert texts.recorded(train='a.txt', test='') == {
    'train': str(place / 'a.txt')
  }
  assert texts.recorded(train='~/a.txt') == {'train': str(place / 'a.txt')}


def test_another_working_directory(place, monkeypatch):
  record = {'paths': texts.recorded(train='a.txt', test='b.txt')}
  monkeypatch.chdir(place / 'elsewhere')
  found = settings(test_path='b.txt')
  texts.locate(found, record, '', 'run')
  assert found.path == str(place / 'a.txt')
  assert found.test_path == str(place / 'b.txt')
  # A file of the same name in the working directory is not used.
  (place / 'elsewhere/a.txt').write_text('other\n')
  found = settings()
  texts.locate(found, {'paths': {'train': record['paths']['train']}}, '', 'run')
  assert found.path == str(place / 'a.txt')


def test_a_file_of_each_class(place, monkeypatch):
  record = {'paths': texts.recorded(classes='a.txt, b.txt')}
  both = f'{place / "a.txt"},{place / "b.txt"}'
  assert record['paths'] == {'classes': both}
  monkeypatch.chdir(place / 'elsewhere')
  found = settings(path='', paths='a.txt, b.txt')
  texts.locate(found, record, '', 'run')
  assert found.paths == both
  (place / 'a.txt').rename(place / 'moved/a.txt')
  with pytest.raises(UserError, match=r'b.txt, the text of run, .* --texts'):
    texts.locate(settings(path='', paths='a.txt,b.txt'), record, '', 'run')
  with pytest.raises(UserError, match=r'has no b.txt'):
    texts.locate(found, record, str(place / 'moved'), 'run')
  with pytest.raises(UserError, match=r'trained on 2 files'):
    texts.locate(found, record, str(place / 'b.txt'), 'run')
  (place / 'b.txt').rename(place / 'moved/b.txt')
  texts.locate(found, record, str(place / 'moved'), 'run')
  assert found.paths == f'{place / "moved/a.txt"},{place / "moved/b.txt"}'


def test_an_absolute_path_is_kept(place):
  found = settings(path=str(place / 'b.txt'))
  texts.locate(found, {'paths': texts.recorded(train='a.txt')}, '', 'run')
  assert found.path == str(place / 'b.txt')


def test_moved_texts_are_found(place):
  record = {'paths': texts.recorded(train='a.txt')}
  (place / 'a.txt').rename(place / 'moved/a.txt')
  found = settings()
  with pytest.raises(UserError, match=r'a.txt, the text of run, .* --texts'):
    texts.locate(found, record, '', 'run')
  for where in ('moved', 'moved/a.txt'):
    texts.locate(found, record, where, 'run')
    assert found.path == f'{where.removesuffix("/a.txt")}/a.txt'
  with pytest.raises(UserError, match=r'--texts=elsewhere has no a.txt'):
    texts.locate(found, record, 'elsewhere', 'run')
  with pytest.raises(UserError, match=r'--texts=gone does not exist'):
    texts.locate(found, record, 'gone', 'run')
  two = {'paths': texts.recorded(train='a.txt', test='b.txt')}
  with pytest.raises(UserError, match=r'trained on 2 files: name the folder'):
    texts.locate(settings(test_path='b.txt'), two, 'b.txt', 'run')


def test_a_run_from_before_paths_were_recorded(place):
  found = settings()
  texts.locate(found, {}, '', 'run')
  assert found.path == 'a.txt'
  texts.locate(found, {}, str(place), 'run')
  assert found.path == str(place / 'a.txt')


def test_the_folder_of_a_benchmark(place):
  found = settings('coco', path='')
  texts.locate(found, {}, 'moved', 'run')
  assert found.dir == 'moved'
