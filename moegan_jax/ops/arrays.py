"""Settings that are numbers or traced arrays.

Several experiments can run as one program in which a weight or a rate is an
array with an entry for each. Such a setting has no value while a program is
traced: it cannot be checked then, and it counts as switched on.
"""

from typing import Any

import jax


def traced(x: Any) -> bool:
  """Whether x has no value yet."""
  return isinstance(x, jax.core.Tracer)


def on(weight: Any) -> bool:
  """Whether a term of this weight is part of the program."""
  return traced(weight) or bool(weight)
