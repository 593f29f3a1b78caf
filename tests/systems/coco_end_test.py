"""Padding after the end of COCO sentences in adversarial training."""

import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax import config, data
from moegan_jax.experiment import train_app
from moegan_jax.metrics.likelihood import pads_after_end
from moegan_jax.scoring.evaluation import select_seed
from moegan_jax.train import keys, loop


@pytest.mark.slow
def test_padding_after_the_end_survives_150_iterations(benchmark_files):
  """Starts at the MLE of `:cpu`.

  After only 2 epochs of MLE the share falls to .21 in 100 iterations.
  """
  c = config.load('moegan:coco,cpu')
  c.data.dir = str(benchmark_files)
  c.adversarial.steps = 150
  corpus = data.load(c.data).corpus
  system = train_app.build(c, corpus)
  tokens = jnp.asarray(corpus.train)
  state, start = loop.init_seeds(system.init, 0, 1), 0
  for name, phase in system.phases.items():
    state = loop.enter(phase, state)
    chunk = loop.compile_chunk(phase, start, state, tokens)
    parts = 1 if name == 'pretrain' else 3
    for _ in range(parts):
      steps = jnp.int32(phase.steps // parts)
      state, _ = chunk.call(state, steps, tokens)
      key = keys.use_key(state.key[0], state.step, keys.EVALUATE)
      samples = np.asarray(system.sample(select_seed(state, 0), key, 512))
      assert pads_after_end(samples, corpus.pad) > 0.95, int(state.step)
    start += phase.steps
