"""What a configuration means for the program around a system."""

import math
from collections.abc import Mapping

from moegan_jax.errors import UserError
from moegan_jax.files import flatten
from moegan_jax.train.health import check_rule

# Settings that say where things lie and how often to look, not what is
# computed: they may change when a run is resumed.
_FREE = ('data.dir', 'data.path', 'data.test_path', 'data.oracle_file')
_FREE += ('data.stream',)
_FREE += ('chunk_seconds', 'checkpoint', 'mesh')


_LARGEST = 3.4e38  # of 32 bits
_ENDLESS = ('clip', 'every')  # may be infinite
# Learning rates, which `on_nan=rollback` lowers.
RATES = (('mle', 'lr'), ('adversarial', 'g_lr'), ('adversarial', 'd_lr'))


def check(config) -> None:
  """Settings that no part below looks at."""
  flat = flatten(config.to_dict())
  for key, value in flat.items():
    if isinstance(value, float) and not _fits(key, value):
      raise UserError(f'config.{key}={value} must be a finite 32-bit number')
  check_rule(config.on_nan)
  for key, least in (
    ('num_seeds', 1),
    ('max_rollbacks', 0),
    ('data.train_size', 1),
    ('data.test_size', 1),
    ('data.vocab_size', 2),
    ('data.length', 1),
    ('data.oracle_dim', 1),
    ('generator.hidden', 1),
    ('discriminator.embed', 1),
    ('checkpoint.every', 0),
    ('chunk_seconds', 0),
    ('eval.samples', 2),
    ('eval.final_samples', 2),
    ('eval.chunk', 1),
    ('eval.curve_samples', 0),
    ('eval.pretrain_every', 0),
    ('eval.adversarial_every', 0),
    ('checkpoint.keep', 1),
    ('mle.epochs', 0),
    ('adversarial.steps', 0),
    ('adversarial.g_steps', 1),
    ('adversarial.d_steps', 1),
    ('game.unroll', 1),
    ('eval.draws', 1),
    ('adversarial.anchor', 0),
    ('adversarial.mle_every', 0),
  ):
    if flat[key] < least:
      raise UserError(f'config.{key}={flat[key]} must be at least {least}')
  for key in ('seed', 'data.oracle_seed', 'data.sample_seed'):
    if not 0 <= flat[key] < 2**32:
      raise UserError(f'config.{key}={flat[key]} must be from 0 to {2**32 - 1}')
  for section, key, kind in (
    ('eval', 'temperatures', int | float),
    ('mmd', 'bandwidths', int | float),
    ('discriminator', 'widths', int),
  ):
    values = config[section][key]
    if not all(isinstance(value, kind) for value in values):
      raise UserError(
        f'config.{section}.{key}={tuple(values)} must be of numbers'
        + (' without a fraction' if kind is int else '')
      )
  heats = config.eval.temperatures
  if config.eval.curve_samples and not (
    len(heats) and all(heat > 0 for heat in heats)
  ):
    raise UserError(
      f'config.eval.temperatures={tuple(heats)} must be positive; '
      'eval.curve_samples=0 draws no curves'
    )
  for section, key in (
    *RATES,
    ('game', 'beta'),
    ('mle', 'clip'),
    ('adversarial', 'clip'),
  ):
    if not config[section][key] > 0:
      raise UserError(
        f'config.{section}.{key}={config[section][key]} must be positive'
      )


def _fits(key: str, value: float) -> bool:
  """Whether a program can hold the number."""
  endless = value == math.inf and key.endswith(_ENDLESS)
  return endless or abs(value) <= _LARGEST


def slowed(config, rate: float):
  """The configuration with all learning rates multiplied by a factor."""
  lower = config.copy_and_resolve_references()
  for section, key in RATES:
    lower[section][key] *= rate
  return lower


def is_place(key: str) -> bool:
  """Whether a setting says where things lie, or how often to look."""
  return any(key == free or key.startswith(f'{free}.') for free in _FREE)


def is_free(key: str, settings: Mapping, before: Mapping) -> bool:
  """Whether a resumed run may have another value of this setting.

  Args:
    settings, before: all settings, of now and of the run as it was begun
  """
  # A run that diverged may be told to go on.
  if is_place(key) or key in ('on_nan', 'max_rollbacks'):
    return True
  if key == 'init_from':  # the other run was moved
    return bool(settings[key] and before.get(key))
  if key == 'adversarial.steps':
    steps = before.get('adversarial', {}).get('steps', 0)
    return settings['adversarial']['steps'] > steps
  return False


def label(config) -> str:
  """What the system is called in a table."""
  extended = config.system == 'moegan' and config.ccl.weight
  return 'moegan + ccl' if extended else config.system


def benchmark(settings) -> str:
  """The benchmark of papers that this corpus is, or ''."""
  if settings.name in ('coco', 'emnlp'):
    return settings.name
  if settings.name == 'oracle' and (
    (settings.vocab_size, settings.oracle_dim) == (5000, 32)
  ):
    return f'synthetic{settings.length}'
  return ''
