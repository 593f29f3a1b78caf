"""The scan over timesteps for sampling, relaxation and teacher forcing.

There is one loop, `decode`. Its policy receives the hidden output of a step and
chooses the input of the next step and the values to keep.
"""

from moegan_jax.decode.likelihood import marginal
from moegan_jax.decode.loop import Policy, decode
from moegan_jax.decode.relaxed import Relaxed, relax
from moegan_jax.decode.rollouts import complete, returns, rollout_keys
from moegan_jax.decode.sampling import (
  Sampled,
  by_inversion,
  by_noise,
  draw_text,
  noise,
  replay,
  sample,
  teacher_force,
)

__all__ = [
  'Policy',
  'Relaxed',
  'Sampled',
  'by_inversion',
  'by_noise',
  'complete',
  'decode',
  'draw_text',
  'marginal',
  'noise',
  'relax',
  'replay',
  'returns',
  'rollout_keys',
  'sample',
  'teacher_force',
]
