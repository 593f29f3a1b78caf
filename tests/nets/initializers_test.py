"""Tests initialisers against the numbers of the released codes."""

import math

import jax
import numpy as np
import pytest

from moegan_jax.errors import UserError
from moegan_jax.nets.initializers import INITIALIZERS, initializers

# [fan_in, fan_out], [fan_out], [V, E], [width, channels, filters]
SHAPES = {
  'linear': (64, 900),
  'bias': (50_000,),
  'embedding': (1600, 36),
  'convolution': (4, 25, 625),
}
TRUNCATED = 0.87962  # deviation of a normal that is cut at 2, not rescaled
FREE = math.inf


def cut(deviation):
  return TRUNCATED * deviation, 2 * deviation


# (set, kind) -> standard deviation, largest magnitude.
EXPECTED = {
  ('relgan', 'linear'): cut(1 / 8),  # fan_in
  ('relgan', 'bias'): (0, 0),
  ('relgan', 'embedding'): cut(1 / 40),  # V
  ('relgan', 'convolution'): cut(math.sqrt(2 / 100)),
  ('scratchgan', 'linear'): cut(1 / 8),
  ('scratchgan', 'bias'): (0, 0),
  ('scratchgan', 'embedding'): (0.3836, FREE),
  ('scratchgan', 'convolution'): cut(math.sqrt(2 / 100)),
  # Linear maps of PyTorch are [fan_out, fan_in], convolutions [filters, ...].
  ('textgan', 'linear'): cut(1 / 30),
  ('textgan', 'embedding'): cut(1 / 40),
  ('textgan', 'convolution'): cut(1 / 25),
  ('textgan_normal', 'linear'): (1 / 30, FREE),
  ('textgan_normal', 'embedding'): (1 / 40, FREE),
  ('textgan_normal', 'convolution'): (1 / 25, FREE),
} | {
  (name, kind): numbers
  for name, numbers in (
    ('uniform', (0.05 / math.sqrt(3), 0.05)),
    ('seqgan', (0.1, FREE)),
    ('standard', (1.0, FREE)),
  )
  for kind in SHAPES
}


@pytest.mark.parametrize('name, kind', EXPECTED)
def test_deviation_and_maximum(name, kind):
  deviation, largest = EXPECTED[name, kind]
  init = getattr(initializers(name), kind)
  x = np.asarray(init(jax.random.key(0), SHAPES[kind]))
  assert x.shape == SHAPES[kind] and abs(x.mean()) <= 0.02 * deviation
  assert x.std() == pytest.approx(deviation, rel=0.02)
  found = abs(x).max()
  if largest == FREE:
    assert found > 3.5 * deviation
  else:
    assert 0.99 * largest <= found <= largest * (1 + 1e-6)


def test_covers_all_initializers():
  assert {name for name, _ in EXPECTED} == set(INITIALIZERS)
  with pytest.raises(UserError, match='seqgan'):
    initializers('seqgn')
