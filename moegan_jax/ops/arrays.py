"""Helpers for settings that may be Python numbers or traced arrays.

Several experiments can run as one program, in which a setting such as a weight
or a rate is an array with one entry per experiment. A traced setting has no
value at trace time, so it cannot be validated, and a term weighted by it is
always compiled.
"""

from typing import Any

import jax


def traced(x: Any) -> bool:
  """Returns whether `x` is a tracer, whose value is unknown at trace time."""
  return isinstance(x, jax.core.Tracer)


def on(weight: Any) -> bool:
  """Returns whether a term with this weight has to be compiled."""
  return traced(weight) or bool(weight)
