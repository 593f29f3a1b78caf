"""Inverse-temperature schedules of the Gumbel-Softmax relaxation.

The inverse temperature beta multiplies the noisy logits of the relaxation. It
grows from 1, where gradients are smooth, to `end`, where the relaxed rows are
close to one-hot. The temperature of the paper is tau = 1 / beta.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError, unknown
from moegan_jax.ops.arrays import traced

Array = jax.Array
Schedule = Callable[[Array], Array]


def _ramp(progress: Callable[[Array, int], Array]):
  """Builds beta = 1 + (end - 1) min(progress, 1)."""

  def beta(i: Array, end: float, horizon: int) -> Array:
    return 1 + (end - 1) * jnp.minimum(progress(i, horizon), 1)

  return beta


# name -> (i, end, horizon) -> beta_i, with a float32 step i >= 0
SCHEDULES = {
  'constant': lambda i, end, n: jnp.full_like(i, end),
  'lin': _ramp(lambda i, n: i / (n - 1)),
  'exp': lambda i, end, n: end ** jnp.minimum(i / n, 1),
  'log': _ramp(lambda i, n: jnp.log1p(i) / jnp.log(n)),
  'sigmoid': _ramp(lambda i, n: jax.nn.sigmoid(20 * (i / n - 0.5))),
  'quad': _ramp(lambda i, n: (i / (n - 1)) ** 2),
  'sqrt': _ramp(lambda i, n: jnp.sqrt(i / (n - 1))),
}


def inverse_temperature(name: str, end: float, horizon: int) -> Schedule:
  """Returns beta as a function of the number of finished adversarial updates.

  Args:
    name: a key of SCHEDULES
    end: final inverse temperature, 1 / tau of the paper; positive
    horizon: N, the number of steps of the ramp; at least 2

  Returns:
    A function from steps, integers of any shape, to float32 of that shape.

  Raises:
    UserError: the name is unknown, or end or horizon is out of range.

  All systems that train through the relaxation use it. The schedules are, with
  N = horizon:

      constant  end, at all steps ('no' in RelGAN's code)
      lin       1 + (end - 1) i / (N - 1)
      exp       end^(i / N), the default: beta_n = beta_max^(n / N) of RelGAN
      log       1 + (end - 1) log(i + 1) / log N
      sigmoid   1 + (end - 1) / (1 + exp(20 (N / 2 - i) / N))
      quad      1 + (end - 1) i^2 / (N - 1)^2
      sqrt      1 + (end - 1) sqrt(i / (N - 1))

  In the published code beta is 1 before the first update, and the value
  computed after step i is used at step i + 1. So pass i = number of finished
  updates. The first update then sees i = 0, where all schedules but 'constant'
  are 1 ('sigmoid' within 5e-5 (end - 1)). RelGAN's own loop counts steps from
  zero and therefore lags by one more step.

  Both published code bases fix N = 5000 and stop earlier: 'exp' towards 100 has
  reached 6.31 after 2000 updates and 15.85 after 3000. They refuse to run past
  N. Here beta stays at its last value.

  Reference: Nie et al. 2019, RelGAN, section 2.3 and its published code.
  """
  if name not in SCHEDULES:
    raise unknown('game.schedule', name, SCHEDULES)
  if not traced(end) and not 0 < end < float('inf'):
    raise UserError(f'game.beta={end} must be a positive number')
  if not horizon >= 2:
    raise UserError(f'game.horizon={horizon} must be at least 2')

  def beta(step: Array) -> Array:
    return SCHEDULES[name](jnp.asarray(step, jnp.float32), end, horizon)

  return beta
