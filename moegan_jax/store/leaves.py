"""Pytrees as lists of leaves: the form in which checkpoints store them.

An entry describes one leaf: {'path': list of strings, 'shape', 'dtype'}, and
'key' with the PRNG implementation if the leaf is a typed key.
"""

import pathlib
from typing import Any

from moegan_jax.errors import UserError


def split(tree: Any) -> tuple[list[dict], dict]:
  """Splits a pytree into entries and arrays.

  Typed keys become their key data. Arrays without elements appear in the
  entries only, since orbax refuses them.

  Args:
    tree: a pytree of arrays, numbers and typed keys.

  Returns:
    The entries in the order of the leaves, and nested dicts of NumPy arrays.
  """
  import jax
  import numpy as np

  entries, values = [], []
  for path, leaf in _flatten(tree):
    entries.append(_describe(path, leaf))
    if entries[-1]['dtype'].startswith('key<'):
      entries[-1]['key'] = str(jax.random.key_impl(leaf))
      leaf = jax.random.key_data(leaf)
    values.append(leaf)
  values = [np.asarray(value) for value in jax.device_get(values)]
  pairs = [(e['path'], v) for e, v in zip(entries, values) if v.size]
  return entries, _nest(pairs)


def restore(entries: list[dict], arrays: dict) -> list:
  """Converts the nested arrays of `split` back to leaves, bit for bit.

  Args:
    entries: the entries of `split`.
    arrays: its nested dicts of arrays.

  Returns:
    Leaves in the order of the entries: uncommitted arrays on the default
    device, or NumPy arrays of dtypes that JAX would cast.
  """
  import jax
  import jax.numpy as jnp
  import numpy as np

  leaves = []
  for entry in entries:
    leaf: Any
    if 0 in entry['shape']:
      leaf = np.zeros(entry['shape'], jnp.dtype(entry['dtype']))
    else:
      leaf = arrays
      for part in entry['path'] or ['']:
        leaf = leaf[part]
    if 'key' in entry:
      leaves.append(jax.random.wrap_key_data(leaf, impl=entry['key']))
      continue
    # A copy, since callers may donate the arrays. JAX casts 64-bit types
    # unless x64 is enabled.
    array = jnp.array(leaf)
    leaves.append(array if str(array.dtype) == entry['dtype'] else leaf)
  return leaves


def join(leaves: list, entries: list[dict], template: Any) -> Any:
  """Assembles leaves in the structure of a template.

  Args:
    leaves: of `restore`.
    entries: the entries of these leaves.
    template: a pytree with as many leaves; None gives nested dicts.
  """
  import jax

  if template is not None:
    return jax.tree.unflatten(jax.tree.structure(template), leaves)
  if [entry['path'] for entry in entries] == [[]]:
    return leaves[0]
  return _nest([(e['path'], leaf) for e, leaf in zip(entries, leaves)])


def check_template(
  template: Any, entries: list[dict], folder: pathlib.Path
) -> None:
  """Checks that a checkpoint has the paths, shapes and dtypes of a template.

  Args:
    template: a pytree of arrays or `jax.ShapeDtypeStruct`s.
    entries: the entries of the checkpoint.
    folder: the checkpoint, for the message.

  Raises:
    UserError: they differ; the message has the first path that does.
  """

  def text(entry: dict | None) -> str:
    return f'{entry["dtype"]} {entry["shape"]}' if entry else 'absent'

  described = [_describe(path, leaf) for path, leaf in _flatten(template)]
  wanted = {'/'.join(entry['path']): entry for entry in described}
  saved = {'/'.join(entry['path']): entry for entry in entries}
  for path in [*wanted, *saved]:
    ours, theirs = text(wanted.get(path)), text(saved.get(path))
    if ours != theirs:
      raise UserError(
        f'checkpoint {folder} does not fit the current settings: {path} is '
        f'{theirs} in the checkpoint and should be {ours}; use the settings '
        'of the checkpoint or another --workdir'
      )


def _flatten(tree: Any) -> list[tuple[list[str], Any]]:
  """Returns the leaves of a pytree with their paths as lists of strings."""
  import jax

  flat, _ = jax.tree_util.tree_flatten_with_path(tree)
  return [
    ([jax.tree_util.keystr((k,), simple=True) for k in path], leaf)
    for path, leaf in flat
  ]


def _describe(path: list[str], leaf: Any) -> dict:
  """Returns the entry of a leaf; typed keys have the dtype key<...>."""
  import numpy as np

  if not hasattr(leaf, 'dtype'):
    leaf = np.asarray(leaf)
  return {'path': path, 'shape': list(leaf.shape), 'dtype': str(leaf.dtype)}


def _nest(pairs: list[tuple[list[str], Any]]) -> dict:
  """Builds nested dicts; a bare array has an empty path and the key ''."""
  tree: dict = {}
  for path, value in pairs:
    node = tree
    for part in path[:-1]:
      node = node.setdefault(part, {})
    node[path[-1] if path else ''] = value
  return tree
