"""What a configuration means for the program around a system."""

import math
from collections.abc import Mapping

from moegan_jax.config import check_keys, program
from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError, at_least
from moegan_jax.files import flatten
from moegan_jax.train.health import check_rule

# Settings that say where files are and how often to save, not what is computed:
# they may change when a run is resumed.
_PLACES = ('data.dir', 'data.path', 'data.test_path', 'data.oracle_file')
_PLACES += ('data.stream', 'chunk_seconds', 'checkpoint', 'mesh')

_LARGEST = 3.4e38  # float32
_UNBOUNDED = ('clip', 'every')  # may be infinite
# Least values of settings of the program; a system checks its own.
_LEAST = {
  'num_seeds': 1,
  'max_rollbacks': 0,
  'unroll': 1,
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
  """Checks the settings of the program.

  Raises:
    UserError: a setting that the system does not read, or a value out of range.
  """
  check_keys(config)
  flat = flatten(config.to_dict())
  for key, value in flat.items():
    if isinstance(value, float) and not _fits(key, value):
      raise UserError(f'config.{key}={value} must be a finite 32-bit number')
  check_rule(config.on_nan)
  for key, least in _LEAST.items():
    if key in flat:
      at_least(key, flat[key], least)
  for key in _SEEDS:
    if key in flat and not 0 <= flat[key] < 2**32:
      raise UserError(f'config.{key}={flat[key]} must be from 0 to {2**32 - 1}')
  for key, value in flat.items():
    if isinstance(value, tuple):
      _check_numbers(key, value, whole=key.endswith('.widths'))
  temperatures = config.eval.temperatures
  if config.eval.curve_samples and not (
    len(temperatures) and all(t > 0 for t in temperatures)
  ):
    raise UserError(
      f'config.eval.temperatures={tuple(temperatures)} must be positive; '
      'eval.curve_samples=0 draws no curves'
    )


def _check_numbers(key: str, values: tuple, whole: bool) -> None:
  kind = int if whole else int | float
  if not all(isinstance(value, kind) for value in values):
    raise UserError(
      f'config.{key}={values} must be of numbers'
      + (' without a fraction' if whole else '')
    )


def _fits(key: str, value: float) -> bool:
  """Whether float32 can hold the number."""
  unbounded = value == math.inf and key.endswith(_UNBOUNDED)
  return unbounded or abs(value) <= _LARGEST


def slowed(config, rate: float):
  """The configuration with all learning rates multiplied by a factor.

  A learning rate is a setting called `lr`, or ending in `_lr`.
  """
  slower = config.copy_and_resolve_references()
  for name in slower:
    section = slower[name]
    for key in section if isinstance(section, type(config)) else ():
      if key == 'lr' or key.endswith('_lr'):
        section[key] *= rate
  return slower


def is_place(key: str) -> bool:
  """Whether a setting says where files are, or how often to save."""
  return any(key == free or key.startswith(f'{free}.') for free in _PLACES)


def is_free(key: str, settings: Mapping, before: Mapping) -> bool:
  """Whether a resumed run may have another value of this setting.

  Args:
    settings, before: all settings, now and when the run began
  """
  # A run that diverged may be resumed under another rule.
  if is_place(key) or key in ('on_nan', 'max_rollbacks'):
    return True
  if key == 'init_from':  # the other run may have moved
    return bool(settings[key] and before.get(key))
  if key.endswith('.steps'):  # a phase may get longer
    old, new = flatten(before).get(key, 0), flatten(settings).get(key, 0)
    return new > old
  return False


def label(config) -> str:
  """The label of the system in tables."""
  extended = config.system == 'moegan' and config.ccl.weight
  return 'moegan + ccl' if extended else config.system


def benchmark(settings, corpus: Corpus) -> str:
  """The published benchmark that this corpus is, or ''.

  Args:
    settings: the section `data`
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
