"""Calls of the engine and of its followers in a wrong order."""

import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax.train import processes
from moegan_jax.train.engine import Engine
from moegan_jax.types import System


def test_run_and_fetch_require_a_phase():
  system = System(init=None, phases={}, sample=None, logits=None)
  tokens = np.zeros((4, 3), np.int32)
  engine = Engine(system, lambda rate: system, tokens, None, False, {}, None)
  with pytest.raises(RuntimeError, match='call `begin` first'):
    engine.run(1, jnp.ones(1, bool))
  with pytest.raises(RuntimeError, match='call `begin` first'):
    engine.fetch()
  engine.end()


def test_a_follower_requires_its_corpus_before_other_commands(monkeypatch):
  def prepare():
    raise AssertionError('no command asks for the corpus')

  monkeypatch.setattr(processes, 'SIGNALS', ())
  monkeypatch.setattr(processes, '_next_command', lambda: (processes._RUN, 1))
  with pytest.raises(RuntimeError, match='needs the engine'):
    processes.follow(prepare, print)
