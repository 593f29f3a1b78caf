"""Loading runs of other versions."""

import pytest
from ml_collections import ConfigDict

from moegan_jax import config, systems
from moegan_jax.errors import UserError
from moegan_jax.files import write_json
from moegan_jax.store.workdir import Workdir
from moegan_jax.trained import described


@pytest.mark.parametrize('read', [described, Workdir.corpus])
def test_run_with_settings_of_another_version_is_refused(tmp_path, read):
  settings = config.load('moegan:captions').to_dict()
  settings['ccl'] = {'weight': 0.0, 'reps': 'flatten'}
  write_json(tmp_path / 'config.json', settings | {'corpus': {'train': 'ab'}})
  write_json(tmp_path / 'corpus.json', {'record': {}})
  with pytest.raises(UserError, match=r'ccl\.reps.*another version'):
    read(Workdir(tmp_path, create=False))


def test_run_from_before_classes_is_read(tmp_path):
  settings = config.load('mle:text').to_dict()
  del settings['generator']['conditional'], settings['data']['paths']
  write_json(tmp_path / 'config.json', settings)
  found = Workdir(tmp_path, create=False).read_config()
  assert found['generator']['conditional'] is False
  assert found['data']['paths'] == ''


@pytest.mark.parametrize('corpus', ['captions', 'text'])
@pytest.mark.parametrize('name', systems.SYSTEMS)
def test_settings_of_a_run_are_read_as_they_were_written(
  name, corpus, tmp_path
):
  settings = config.load(f'{name}:{corpus}').to_dict()
  write_json(tmp_path / 'config.json', settings)
  found = Workdir(tmp_path, create=False).read_config()
  again = config.load(f'{name}:{corpus}').to_dict()
  assert ConfigDict(found).to_json() == ConfigDict(again).to_json()
