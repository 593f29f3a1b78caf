"""Measured rows of the results table, cached in one JSON file each."""

import json
import pathlib
from collections.abc import Callable

import numpy as np

from moegan_jax.files import floats, write_json
from moegan_jax.store import schema


class Rows:
  """The rows of a run folder. A row maps measures to values [seeds]."""

  def __init__(self, folder: pathlib.Path):
    """Opens the rows of a run. The first `write` creates their folder.

    Args:
      folder: the run folder.
    """
    self._folder = folder / schema.ROWS

  def read(self, name: str, step: int) -> dict | None:
    """Returns a row; None if its file is missing or damaged.

    Args:
      name: such as 'start', 'best' or 'last'.
      step: the global step that was measured, or the number of samples.
    """
    try:
      text = (self._folder / f'{name}-{step}.json').read_text(encoding='utf-8')
      return floats(json.loads(text))
    except (OSError, ValueError):
      return None

  def write(self, name: str, step: int, values: dict) -> dict:
    """Writes a row and returns it with Python numbers.

    Args:
      name, step: see `read`.
      values: measure -> [seeds].

    Raises:
      UserError: the file cannot be written.
    """
    self._folder.mkdir(exist_ok=True)
    plain = {k: np.asarray(v).tolist() for k, v in values.items()}
    write_json(self._folder / f'{name}-{step}.json', plain)
    return plain

  def once(self, name: str, step: int, measure: Callable[[], dict]) -> dict:
    """Returns a row; measures and writes it first if it is missing.

    Args:
      name, step: see `read`.
      measure: returns measure -> [seeds].
    """
    values = self.read(name, step)
    return self.write(name, step, measure()) if values is None else values
