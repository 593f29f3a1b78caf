"""Measured rows of a run: each is measured once, and kept as a file."""

import json
import pathlib
from collections.abc import Callable

import numpy as np

from moegan_jax.files import floats, write_json
from moegan_jax.store import schema


class Rows:
  """Rows of a run folder, name -> [seeds], in one JSON file each."""

  def __init__(self, folder: pathlib.Path):
    self._folder = folder / schema.ROWS

  def read(self, name: str, step: int) -> dict | None:
    """The row of a name at a step; None if it is missing or damaged."""
    try:
      text = (self._folder / f'{name}-{step}.json').read_text(encoding='utf-8')
      return floats(json.loads(text))
    except (OSError, ValueError):
      return None

  def write(self, name: str, step: int, values: dict) -> dict:
    """Writes a row, and returns it as plain numbers."""
    self._folder.mkdir(exist_ok=True)
    plain = {k: np.asarray(v).tolist() for k, v in values.items()}
    write_json(self._folder / f'{name}-{step}.json', plain)
    return plain

  def once(self, name: str, step: int, measure: Callable[[], dict]) -> dict:
    """The row, measured and written if it is missing."""
    values = self.read(name, step)
    return self.write(name, step, measure()) if values is None else values
