"""Targets: accelerators to compile for, which need not be present."""

import contextlib
import importlib.util
import os
import pathlib
import re
import tomllib
from collections.abc import Iterator
from typing import Any, NamedTuple

from moegan_jax.errors import UserError, unknown

_FOLDER = pathlib.Path(__file__).with_name('devices')
# Platform -> modules of which one compiles for it, and the extra with them.
_COMPILERS = {
  'cuda': (('jax_cuda12_plugin', 'jax_cuda13_plugin'), 'cuda12'),
  'tpu': (('libtpu',), 'tpu'),
}
_SHAPE = re.compile(r'[1-9]\d*(x[1-9]\d*)+')


class Accelerator(NamedTuple):
  """The description of a device, a file of `devices/`.

  Attributes:
    key: name of the file.
    name: name of the product.
    platform: 'cuda' or 'tpu'.
    kinds: values of `jax.Device.device_kind` for it.
    memory: bytes.
    bandwidth: of the memory, bytes per second.
    launch: seconds between the starts of two kernels; 0 if the device runs a
      program without its host.
    topology: the smallest topology that the compiler knows.
    flops: type of the factors of a product -> operations per second.
    text: the description that the compiler of CUDA programs reads, or ''.
    accelerator_type: name of the smallest topology for libtpu, or ''.
  """

  key: str
  name: str
  platform: str
  kinds: tuple[str, ...]
  memory: float
  bandwidth: float
  launch: float
  topology: str
  flops: dict[str, float]
  text: str
  accelerator_type: str

  def rate(self, precision: str) -> tuple[str, float]:
    """Returns the fastest products that a precision allows.

    Args:
      precision: the setting of this name.

    Returns:
      The type of the factors, and operations per second. Without a rate for
      float32, such as on a TPU, it is the one of bfloat16, which is higher.
    """
    wanted = 'tf32' if precision == 'platform' else precision
    found = wanted if wanted in self.flops else 'bfloat16'
    return found, self.flops[found]


class Target(NamedTuple):
  """What to compile for.

  Attributes:
    accelerator: the device.
    topology: the shape of the devices, such as '2x2'.
    whole: whether all devices of the topology are used, or the first one.
  """

  accelerator: Accelerator
  topology: str
  whole: bool


def names() -> list[str]:
  """Returns the names of all accelerators."""
  return sorted(path.stem for path in _FOLDER.glob('*.toml'))


def accelerator(key: str) -> Accelerator:
  """Reads the description of an accelerator.

  Args:
    key: one of `names`.
  """
  text = (_FOLDER / f'{key}.toml').read_text(encoding='utf-8')
  found = tomllib.loads(text)
  return Accelerator(
    key,
    found['name'],
    found['platform'],
    tuple(found['kinds']),
    float(found['memory']),
    float(found['bandwidth']),
    float(found.get('launch', 0)),
    found['topology'],
    {name: float(rate) for name, rate in found['flops'].items()},
    found.get('target', {}).get('text', ''),
    found.get('accelerator_type', ''),
  )


def of_kind(kind: str) -> Accelerator | None:
  """Returns the description of a device that is present, or None.

  Args:
    kind: `jax.Device.device_kind`.
  """
  known = map(accelerator, names())
  return next((device for device in known if kind in device.kinds), None)


def target(text: str) -> Target:
  """Parses the value of --target.

  Args:
    text: 'NAME', 'NAME:TOPOLOGY' for several chips of a TPU, or 'NAME:NUMBER'
      for the GPUs of a machine.

  Raises:
    UserError: no such accelerator, or no such form of a topology.
  """
  key, colon, shape = text.partition(':')
  if key not in names():
    raise unknown('--target', key, names())
  device = accelerator(key)
  if not colon:
    return Target(device, device.topology, False)
  if device.platform != 'tpu':
    if not re.fullmatch(r'[1-9]\d*', shape):
      raise UserError(
        f'--target={text}: the GPUs of a machine are a number; use such as '
        f'--target={key}:8'
      )
    # Slices, machines of each slice, GPUs of each machine.
    return Target(device, f'1x1x{shape}', True)
  if not _SHAPE.fullmatch(shape) or (
    shape.count('x') != device.topology.count('x')
  ):
    raise UserError(
      f'--target={text} has no topology of {device.name}; use such as '
      f'--target={key}:{device.topology}'
    )
  return Target(device, shape, True)


def check_installed(device: Accelerator) -> None:
  """Checks that the compiler for an accelerator is installed.

  Raises:
    UserError: it is not.
  """
  modules, extra = _COMPILERS[device.platform]
  if not any(map(importlib.util.find_spec, modules)):
    raise UserError(
      f'--target={device.key} needs {" or ".join(modules)}, which is not '
      f'installed; run: pip install "jax[{extra}]"'
    )


def devices(wanted: Target) -> list[Any]:
  """Returns the devices of a target. They are absent and cannot run programs.

  Args:
    wanted: the target.

  Raises:
    UserError: the compiler is not installed or refuses the topology.
  """
  device = wanted.accelerator
  check_installed(device)
  # Importing JAX takes seconds, so errors of the command line come first.
  import jax
  from jax.experimental import topologies

  options: dict[str, Any] = {}
  name = f'{device.key}:{wanted.topology}'
  if device.platform == 'cuda':
    name = wanted.topology
    options = {'topology': wanted.topology, 'target_config': device.text}
  try:
    with _environment(_environment_of(device)):
      found = topologies.get_topology_desc(
        platform=device.platform, topology_name=name, **options
      )
  except (jax.errors.JaxRuntimeError, ValueError, NotImplementedError) as error:
    raise UserError(
      f'--target={device.key}:{wanted.topology} is refused by the compiler '
      f'({str(error).partition(chr(10))[0][:150]}); use such as '
      f'--target={device.key}:{device.topology}'
    ) from error
  return list(found.devices) if wanted.whole else list(found.devices)[:1]


def _environment_of(device: Accelerator) -> dict[str, str]:
  """Returns variables for the compilers on a machine without their devices.

  Without them JAX loads cuDNN and other libraries that programs need and the
  compiler does not. libtpu asks the network which machine this is, and only one
  process at a time can load it.
  """
  if device.platform == 'cuda':
    return {'JAX_SKIP_CUDA_CONSTRAINTS_CHECK': '1'}
  return {
    'ALLOW_MULTIPLE_LIBTPU_LOAD': '1',
    'TPU_ACCELERATOR_TYPE': device.accelerator_type,
    'TPU_SKIP_MDS_QUERY': '1',
    'TPU_WORKER_HOSTNAMES': 'localhost',
  }


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
  """Sets environment variables that are not set."""
  added = {k: v for k, v in values.items() if k not in os.environ}
  os.environ.update(added)
  try:
    yield
  finally:
    for name in added:
      del os.environ[name]
