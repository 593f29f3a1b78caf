"""Flags of `train`."""

import pytest
from training import run

from moegan_jax.cli import train


def test_help_lists_the_flags(capsys):
  with pytest.raises(SystemExit) as end:
    train.main(['--help'])
  assert end.value.code == 0
  out = capsys.readouterr().out
  assert '--config' in out and 'workdir' in out


def test_config_flag_accepts_a_blank_or_an_equals_sign(monkeypatch):
  asked = []
  monkeypatch.setattr(
    train, 'configuration', lambda *given: asked.append(given) or 1 / 0
  )
  for argv in (['--config', 'mle:small,smoke'], ['--config=mle:small,smoke']):
    with pytest.raises(ZeroDivisionError):
      run(*argv, '--config.seed=3')
  assert asked[0] == asked[1]
  assert asked[0] == ('mle:small,smoke', ['--config.seed=3'])
