"""Manifests of checkpoints: what they hold, and the checksums of their files.

Orbax keeps no checksums, so it restores a flipped bit without an error. The
manifest detects such damage.
"""

import hashlib
import json
import pathlib

from moegan_jax.files import write_json
from moegan_jax.store.schema import MANIFEST

FORMAT = 1  # version of the layout of a checkpoint folder


class DamagedError(Exception):
  """A checkpoint differs from what was saved; the text gives the reason."""


def write(folder: pathlib.Path, manifest: dict) -> None:
  """Adds the checksums of all files of a checkpoint and writes its manifest.

  Args:
    folder: the checkpoint, complete except for the manifest.
    manifest: JSON values with the keys 'format', 'kind', 'step', 'meta' and
      'leaves'.

  Raises:
    UserError: the manifest cannot be written.
  """
  files = [path for path in sorted(folder.rglob('*')) if path.is_file()]
  manifest = manifest | {
    'files': {p.relative_to(folder).as_posix(): _sha256(p) for p in files}
  }
  manifest['sha256'] = _digest(manifest)
  write_json(folder / MANIFEST, manifest)


def verify(folder: pathlib.Path) -> dict:
  """Compares the files of a checkpoint with its manifest.

  Args:
    folder: the checkpoint.

  Returns:
    The manifest.

  Raises:
    DamagedError: the manifest or a file is missing, unreadable or changed, or
      the format is not supported.
  """
  try:
    manifest = json.loads((folder / MANIFEST).read_bytes())
    intact = manifest['sha256'] == _digest(manifest)
  except (OSError, ValueError, KeyError, TypeError, AttributeError):
    intact = False
  if not intact:
    raise DamagedError(f'file {MANIFEST}: wrong checksum')
  if manifest['format'] != FORMAT:
    raise DamagedError(
      f'format {manifest["format"]} is not supported; this version reads '
      f'format {FORMAT}'
    )
  for name, expected in manifest['files'].items():
    try:
      found = _sha256(folder / name)
    except FileNotFoundError:
      raise DamagedError(f'file {name}: missing') from None
    except OSError as error:
      raise DamagedError(f'file {name}: {error.strerror}') from None
    if found != expected:
      raise DamagedError(f'file {name}: wrong checksum')
  return manifest


def _sha256(path: pathlib.Path) -> str:
  with path.open('rb') as file:
    return hashlib.file_digest(file, 'sha256').hexdigest()


def _digest(manifest: dict) -> str:
  """Returns the SHA-256 of a manifest, without its own checksum."""
  rest = {k: v for k, v in manifest.items() if k != 'sha256'}
  text = json.dumps(rest, sort_keys=True)
  return hashlib.sha256(text.encode()).hexdigest()
