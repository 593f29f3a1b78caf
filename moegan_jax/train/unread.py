"""Which settings a configuration does not read.

A setting without an effect is worse than a wrong one: whoever sets it takes the
result for its effect. What is asked for by name, on a command line or in a cell
of a sweep, is therefore held against this table.
"""

import fnmatch
from collections.abc import Iterable

from moegan_jax.errors import UserError

# Sections of one system or of a few. The others belong to all systems, but for
# what stands in `_NOT_READ`.
_OWNERS = {
  'fsa': ('moegan', 'ccl'),
  'ccl': ('moegan', 'ccl'),
  'mmd': ('textgan',),
  'transport': ('fmgan',),
  'jsd': ('jsdgan',),
  'slgan': ('slgan',),
}


def _keys(section: str, names: str) -> tuple[str, ...]:
  return tuple(f'{section}.{name}' for name in names.split())


_GAME = _keys(
  'game',
  'loss form weight reduce penalty schedule beta horizon relaxation feedback '
  'route top_k top_p end',
)
_CNN = _keys(
  'discriminator', 'widths filters representations features activation highway'
)
_RECURRENT = _keys('discriminator', 'cell hidden per_token')
_MEMORY = _keys(
  'generator',
  'slots heads head_size key_size blocks mlp_layers gate forget_bias '
  'input_bias flavour',
)
_NOT_READ = {
  'mle': (*_GAME, 'adversarial.*', 'discriminator.*', 'eval.adversarial_every'),
  'jsdgan': (
    *_GAME,
    'discriminator.*',
    *_keys('adversarial', 'd_steps d_lr'),
  ),
  'slgan': (
    *_GAME,
    *_CNN,
    *_keys('discriminator', 'kind cell per_token dropout'),
    'adversarial.d_steps',
  ),
  'fmgan': _keys('game', 'loss form weight reduce penalty'),
}


def unread(config) -> tuple[str, ...]:
  """Patterns of dotted keys that this configuration has no use for."""
  gen, disc = config.generator, config.discriminator
  found = [f'{s}.*' for s, of in _OWNERS.items() if config.system not in of]
  found += _NOT_READ.get(config.system, ())
  for without, keys in (
    (gen.cell != 'rmc', _MEMORY),
    (gen.cell == 'rmc', ('generator.hidden',)),
    (not gen.latent, ('generator.prior', 'eval.draws')),
    # Sequences of one length have no end symbol.
    (config.data.name == 'oracle', ('generator.end_input', 'game.end')),
    (gen.experts == 1, _keys('generator', 'sharing aggregation')),
    (config.system != 'slgan' and disc.kind == 'cnn', _RECURRENT),
    (disc.kind == 'recurrent', _CNN),
    (not config.mle.epochs, _keys('mle', 'batch lr clip')),
    (not config.fsa.weight, _keys('fsa', 'distance reduce dropout')),
    (not config.ccl.weight, _keys('ccl', 'temperature reps updates resample')),
  ):
    found += keys if without else ()
  return tuple(found)


def is_unread(config, key: str) -> bool:
  """Whether this configuration has no use for a dotted key."""
  return any(fnmatch.fnmatchcase(key, pattern) for pattern in unread(config))


def check_read(config, keys: Iterable[str]) -> None:
  """Refuses settings, named by whoever made them, that have no effect.

  Raises:
    UserError: one that the configuration does not read.
  """
  for key in keys:
    if is_unread(config, key):
      raise UserError(
        f'{key} has no effect on system={config.system} with these settings; '
        'leave it out'
      )
