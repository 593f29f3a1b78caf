"""The one exception whose text is meant for the person at the keyboard."""


class UserError(Exception):
  """Bad input: a file, a path or a setting.

  The text is one line that names the thing, says what is wrong with it and
  what to do. Command-line programs print it and exit with code 2.
  """
