"""Composes configurations from sections, and changes them by dotted keys.

A configuration holds the keys that its system reads and no others. Some
settings are selectors: their values determine which other settings exist.
Changing a selector recomposes its section. Settings that remain keep their
values.
"""

import ast
import difflib
import functools
import inspect
import math
from collections.abc import Callable, Container, Iterator, Mapping
from typing import Any

from ml_collections import ConfigDict

from moegan_jax.config import program
from moegan_jax.config.training import SYSTEMS
from moegan_jax.errors import UserError, unknown


class Text(str):
  """A value of the command line, not parsed yet."""


def compose(system: str, corpus: str = 'coco') -> ConfigDict:
  """Returns the default configuration of a system.

  Args:
    system: a key of config.training.SYSTEMS
    corpus: one of config.program.CORPORA

  Returns:
    All settings of a run, with the sections of the system.

  Raises:
    UserError: an unknown system or corpus.
  """
  if system not in SYSTEMS:
    raise unknown('config.system', system, SYSTEMS)
  if corpus not in program.CORPORA:
    raise unknown('data.name', corpus, program.CORPORA)
  config = ConfigDict(program.program())
  config.system = system
  config.data = ConfigDict(program.data(name=corpus))
  for name, section in _sections(config):
    if name != 'data':
      config[name] = ConfigDict(_call(section, config, {}))
  return config


def select(config: ConfigDict, section: str, **values) -> None:
  """Sets selectors of a section in place and recomposes the section.

  Args:
    config: the configuration to change
    section: name of the section
    **values: selector -> value; other settings of the section are also accepted

  Raises:
    UserError: see `override`.
  """
  changed = override(config, {f'{section}.{k}': v for k, v in values.items()})
  config[section] = changed[section]


def as_system(config: ConfigDict, system: str) -> ConfigDict:
  """Converts a configuration to another system.

  Args:
    config: the configuration, which stays unchanged
    system: a key of config.training.SYSTEMS

  Returns:
    A configuration of the system. Settings that both have keep their values.

  Raises:
    UserError: an unknown system.
  """
  converted = compose(system, config.data.name)
  for name, value in config.items():
    if name not in converted or name == 'system':
      continue
    if not isinstance(value, ConfigDict):
      converted[name] = value
      continue
    converted[name] = _composed_again(converted, name, value)
  return converted


def override(
  config: ConfigDict, changes: Mapping[str, Any], optional: Container[str] = ()
) -> ConfigDict:
  """Returns a copy of a configuration with some settings changed.

  Args:
    config: the configuration, which stays unchanged
    changes: dotted key -> value of the type of the setting, or a `Text`
    optional: keys to skip if the configuration does not have them

  Raises:
    UserError: a key that the configuration does not have, or a value of
      another type.
  """
  config = config.copy_and_resolve_references()
  for key in sorted(changes, key=functools.partial(_rank, config)):
    value = changes[key]
    section, _, name = key.rpartition('.')
    place = config.get(section) if section else config
    if not isinstance(place, ConfigDict) or name not in place:
      if key in optional:
        continue
      raise UserError(_no_setting(config, key))
    value = _typed(key, place[name], value)
    if section and fixed(config, section).get(name, value) != value:
      raise UserError(
        f'{key}={value} is not supported by system={config.system}; leave it '
        'out'
      )
    if key == 'system':
      config = as_system(config, value)
    elif section and name in selectors(config, section):
      _recompose(config, section, name, value)
    else:
      place[name] = value
  return config


def selectors(config: ConfigDict, section: str) -> tuple[str, ...]:
  """Returns the selectors of a section, which are its function's arguments."""
  function = dict(_sections(config)).get(section)
  if function is None:
    return ()
  bound = fixed(config, section)
  names = [n for n in inspect.signature(function).parameters if n not in bound]
  return tuple(n for n in names if n in config.get(section, {}))


def fixed(config: ConfigDict, section: str) -> Mapping[str, Any]:
  """Returns the selectors of a section that the system fixes, with values."""
  function = dict(_sections(config)).get(section)
  return getattr(function, 'keywords', {})


def is_selector(config: ConfigDict, key: str) -> bool:
  """Returns whether a dotted key is a selector, also one that is fixed."""
  section, _, name = key.rpartition('.')
  names = (*selectors(config, section), *fixed(config, section))
  return key == 'system' or name in names


def check_keys(config: ConfigDict) -> None:
  """Checks that a configuration has exactly the keys that its system reads.

  Raises:
    UserError: a key is unknown or missing.
  """
  corpus = config.get('data', {}).get('name', '')
  complete = compose(config.get('system', ''), corpus)
  complete = as_system(config, complete.system)
  given, read = keys(config), keys(complete)
  for key in given:
    if key not in read:
      raise UserError(_no_setting(complete, key))
  for key in read:
    if key not in given:
      raise UserError(
        f'{key} is missing; build the configuration from '
        f'moegan_jax.config.compose({config.system!r})'
      )


def keys(config: ConfigDict) -> list[str]:
  """Returns all dotted keys of a configuration."""
  return [
    f'{name}.{inner}' if inner else name
    for name, value in config.items()
    for inner in (value if isinstance(value, ConfigDict) else ('',))
  ]


def _sections(config: ConfigDict) -> Iterator[tuple[str, Callable]]:
  """Yields the names and the functions of all sections."""
  yield from program.SECTIONS.items()
  yield from SYSTEMS[config.system].items()


def _call(function: Callable, config: ConfigDict, selected: Mapping) -> dict:
  """Composes a section for some values of its selectors."""
  if 'ends' in inspect.signature(function).parameters:
    ends = config.data.name not in program.ENDLESS
    return function(ends=ends, **selected)
  return function(**selected)


def _recompose(config: ConfigDict, section: str, name: str, value: Any) -> None:
  """Sets one selector of a section in place."""
  if section == 'data' and value not in program.CORPORA:
    raise unknown('data.name', value, program.CORPORA)
  old = config[section]
  config[section] = _composed_again(config, section, old, **{name: value})
  if section == 'data':  # the sections that depend on `ends` may change
    for other, function in _sections(config):
      if 'ends' in inspect.signature(function).parameters:
        config[other] = _composed_again(config, other, config[other])


def _composed_again(
  config: ConfigDict, section: str, old: ConfigDict, **changed
) -> ConfigDict:
  """Composes a section for the selectors of `old`, some of them changed.

  Settings that remain keep the values that they have in `old`.
  """
  names = selectors(config, section)
  selected = {k: old[k] for k in names if k in old} | changed
  new = _call(dict(_sections(config))[section], config, selected)
  decided = (*changed, *fixed(config, section))
  kept = {k: old[k] for k in new if k in old and k not in decided}
  return ConfigDict(new | kept)


def _rank(config: ConfigDict, key: str) -> int:
  """Orders changes: the system, the corpus, selectors, other settings.

  Each kind determines which keys of the later kinds exist.
  """
  if key in ('system', 'data.name'):
    return ('system', 'data.name').index(key)
  return 2 if is_selector(config, key) else 3


def _no_setting(config: ConfigDict, key: str) -> str:
  """Returns the error message for a key that a configuration does not have."""
  section, _, name = key.rpartition('.')
  chosen = config.get(section) if section else None
  if isinstance(chosen, ConfigDict):
    values = ', '.join(
      f'{section}.{k}={chosen[k]}' for k in selectors(config, section)
    )
    if values and name in _any_keys(config, section):
      return f'{key} has no effect with {values}; leave it out'
  near = difflib.get_close_matches(key, keys(config), 1)
  hint = f'did you mean --config.{near[0]}? Choose' if near else 'choose'
  return (
    f'there is no setting {key} for system={config.system}; {hint} '
    f'one of {_listed(config, section)}'
  )


def _listed(config: ConfigDict, section: str) -> str:
  """Lists the settings of a section, or all sections if there is none."""
  chosen = config.get(section) if section else None
  if isinstance(chosen, ConfigDict):
    return ', '.join(f'{section}.{name}' for name in chosen)
  return ', '.join(config)


def _any_keys(config: ConfigDict, section: str) -> set[str]:
  """Returns the keys that a section has for any values of its selectors."""
  variants: dict[str, list[dict[str, Any]]] = {
    'generator': [
      {'cell': 'rmc', 'experts': 2, 'latent': 1},
      {'cell': 'mogrifier', 'embeddings': 'FILE'},
      {'conditional': True},
    ],
    'discriminator': [
      {'kind': kind} for kind in ('cnn', 'recurrent', 'transformer')
    ],
    'maligan': [{'form': 'basic'}, {'form': 'mixed'}],
    'rollout': [{'policy': 'ema'}, {'policy': 'live'}],
    'data': [{'name': name} for name in program.CORPORA],
  }
  function = dict(_sections(config))[section]
  names = selectors(config, section)
  found: set[str] = set(function())
  for selected in variants.get(section, []):
    if all(name in names for name in selected):
      found |= set(function(**selected))
  return found


def _typed(key: str, old: Any, value: Any) -> Any:
  """Converts a new value to the type of a setting.

  Args:
    key: dotted key of the setting
    old: its present value
    value: the new value, or a `Text` to parse

  Raises:
    UserError: a section, or a value of another type.
  """
  if isinstance(old, ConfigDict):
    first = next(iter(old))
    raise UserError(f'{key} is a section; set --config.{key}.{first}')
  if isinstance(value, Text):
    value = str(value) if isinstance(old, str) else _parsed(value)
  if isinstance(old, float) and type(value) is int:
    value = float(value)
  if isinstance(old, tuple):
    value = tuple(value) if isinstance(value, list | tuple) else (value,)
  if type(value) is not type(old):
    raise UserError(
      f'config.{key}={value!r} is not of type {type(old).__name__}; give a '
      f'value such as {old!r}'
    )
  return value


def _parsed(text: str) -> Any:
  """Parses a Python literal of the command line; other text stays a string."""
  words = {'true': True, 'false': False, 'inf': math.inf}
  if text.lower() in words:
    return words[text.lower()]
  try:
    return ast.literal_eval(text)
  except (ValueError, SyntaxError):
    return text
