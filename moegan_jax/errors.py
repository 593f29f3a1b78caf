"""Errors that command-line programs print for the user."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
  """Invalid user input: a file, a path or a setting.

  The message is one line. It names the file or key, states the fault and gives
  the remedy. Command-line programs print it and exit with code 2.
  """


def unknown(setting: str, value: str, valid: Iterable[str]) -> UserError:
  """Returns the UserError for a value that is not one of the valid ones.

  Args:
    setting: dotted name of the setting, such as 'game.loss'
    value: the value given by the user
    valid: the accepted values; the closest one is suggested

  Returns:
    An error to raise.
  """
  valid = list(valid)
  near = difflib.get_close_matches(value, valid, 1)
  advice = f'did you mean {near[0]!r}? Choose' if near else 'choose'
  return UserError(
    f'{setting}={value!r} is unknown; {advice} one of {", ".join(valid)}'
  )


def at_least(setting: str, value: float, least: float) -> None:
  """Refuses a setting below its least value.

  Raises:
    UserError: it is below.
  """
  if value < least:
    raise UserError(f'{setting}={value} must be at least {least}')
