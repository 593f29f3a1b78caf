"""Errors whose text is meant for the person at the keyboard."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
  """Bad input: a file, a path or a setting.

  The text is one line that names the thing, says what is wrong with it and
  what to do. Command-line programs print it and exit with code 2.
  """


def unknown(setting: str, value: str, valid: Iterable[str]) -> UserError:
  """What to raise for a name that is none of the valid ones."""
  valid = list(valid)
  near = difflib.get_close_matches(value, valid, 1)
  hint = f'did you mean {near[0]!r}? ' if near else ''
  return UserError(
    f'{setting}={value!r} is unknown; {hint}one of {", ".join(valid)}'
  )


def at_least(setting: str, value: float, least: float) -> None:
  """Refuses a setting below its least value.

  Raises:
    UserError: it is below.
  """
  if value < least:
    raise UserError(f'config.{setting}={value} must be at least {least}')
