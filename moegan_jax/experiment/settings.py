"""Checks and interprets the settings of the program around a system."""

import math
from collections.abc import Mapping

from moegan_jax.config import check_keys, program
from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError, at_least
from moegan_jax.files import flatten
from moegan_jax.ops.precision import LARGEST_FLOAT32
from moegan_jax.train.health import check_rule

# Settings of files, saving and devices. They do not change what is computed, so
# a resumed run may change them.
_PLACES: tuple[str, ...]
_PLACES = ('data.dir', 'data.path', 'data.paths', 'data.test_path')
_PLACES += (
  'data.oracle_file',
  'data.stream',
  'chunk_seconds',
  'checkpoint',
  'mesh',
)

_UNBOUNDED = ('clip', 'every')  # endings of settings that may be infinite
# Least values of settings of the program. A system checks its own settings.
_LEAST = {
  'num_seeds': 1,
  'max_rollbacks': 0,
  'unroll': 0,
  'log_every': 1,
  'chunk_seconds': 0,
  'checkpoint.every': 0,
  'checkpoint.keep': 1,
  'eval.samples': 2,
  'eval.final_samples': 2,
  'eval.chunk': 1,
  'eval.curve_samples': 0,
  'data.train_size': 1,
  'data.test_size': 1,
  'data.vocab_size': 2,
  'data.length': 1,
  'data.oracle_dim': 1,
}
_SEEDS = ('seed', 'data.oracle_seed', 'data.sample_seed')


def check(config) -> None:
  """Checks the keys of a configuration and the settings of the program.

  Args:
    config: all settings of a run

  Raises:
    UserError: a setting is unknown or missing, or a value is out of range.
  """
  check_keys(config)
  flat = flatten(config.to_dict())
  for key, value in flat.items():
    if isinstance(value, float) and not _fits(key, value):
      raise UserError(f'{key}={value} must be a finite 32-bit number')
  check_rule(config.on_nan)
  for key, least in _LEAST.items():
    if key in flat:
      at_least(key, flat[key], least)
  for key in _SEEDS:
    if key in flat and not 0 <= flat[key] < 2**32:
      raise UserError(f'{key}={flat[key]} must be from 0 to {2**32 - 1}')
  for key, value in flat.items():
    # Names, in `losses`, are checked where the system is built.
    if isinstance(value, tuple) and not key.endswith('.losses'):
      _check_numbers(key, value, whole=key.endswith(('.widths', '.shifts')))
  temperatures = config.eval.temperatures
  if config.eval.curve_samples and not (
    len(temperatures) and all(t > 0 for t in temperatures)
  ):
    raise UserError(
      f'eval.temperatures={tuple(temperatures)} must be positive '
      'numbers; to draw no curves, set --config.eval.curve_samples=0'
    )


def _check_numbers(key: str, values: tuple, whole: bool) -> None:
  """Checks that a tuple has numbers only; `whole` requires integers."""
  kind = int if whole else int | float
  if not all(isinstance(value, kind) for value in values):
    raise UserError(
      f'{key}={values} must contain {"integers" if whole else "numbers"} only'
    )


def _fits(key: str, value: float) -> bool:
  """Returns whether float32 can represent the value of a setting."""
  unbounded = value == math.inf and key.endswith(_UNBOUNDED)
  return unbounded or abs(value) <= LARGEST_FLOAT32


def slowed(config, rate: float):
  """Returns a copy with all learning rates multiplied by a factor.

  Args:
    config: all settings of a run
    rate: the factor

  A learning rate is a setting with the name `lr` or with the ending `_lr`.
  """
  slower = config.copy_and_resolve_references()
  for name in slower:
    section = slower[name]
    for key in section if isinstance(section, type(config)) else ():
      if key == 'lr' or key.endswith('_lr'):
        section[key] *= rate
  return slower


def is_place(key: str) -> bool:
  """Returns whether a setting concerns files, saving or devices only."""
  return any(key == place or key.startswith(f'{place}.') for place in _PLACES)


def is_free(key: str, settings: Mapping, before: Mapping) -> bool:
  """Returns whether a resumed run may change a setting.

  Args:
    key: dotted key of the setting
    settings: all settings of the resumed run
    before: all settings when the run began
  """
  # After a divergence, a run may be resumed with another reaction to it.
  if is_place(key) or key in ('on_nan', 'max_rollbacks'):
    return True
  if key == 'init_from':  # the folder of the other run may have moved
    return bool(settings[key] and before.get(key))
  if key.endswith('.steps'):  # a phase may get longer
    old, new = flatten(before).get(key, 0), flatten(settings).get(key, 0)
    return new > old
  return False


def benchmark(settings, corpus: Corpus) -> str:
  """Returns the name of the published benchmark of a corpus.

  Args:
    settings: the section `data`
    corpus: the corpus

  Returns:
    Such as 'coco' or 'synthetic20'; '' for other corpora and for a corpus that
    replaces a missing benchmark.
  """
  if corpus.record.get('stands_in'):
    return ''
  if settings.name in ('coco', 'emnlp'):
    return settings.name
  if settings.name in program.ENDLESS and (
    (settings.vocab_size, settings.oracle_dim) == (5000, 32)
  ):
    return f'synthetic{settings.length}'
  return ''
