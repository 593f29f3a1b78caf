"""Loading runs of other versions."""

import pytest

from moegan_jax import config
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
