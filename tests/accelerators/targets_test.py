"""Descriptions of accelerators, and the flag --target."""

import pathlib
import re

import pytest

from moegan_jax.accelerators import targets
from moegan_jax.errors import UserError

NAMES = targets.names()
every_device = pytest.mark.parametrize('name', NAMES)


def test_the_devices_are_known():
  assert NAMES == ['a100', 'h100', 'h200', 'v4', 'v5e', 'v5p', 'v6e']


@every_device
def test_every_description_is_complete(name):
  device = targets.accelerator(name)
  assert device.key == name and device.name and device.topology
  assert 10e9 < device.memory < 1e12
  assert 0.5e12 < device.bandwidth < 10e12
  assert device.flops['bfloat16'] > 100e12
  path = pathlib.Path(targets.__file__).parent / 'devices' / f'{name}.toml'
  head = path.read_text(encoding='utf-8').split('\nname')[0]
  assert re.search('datasheet|documentation', head), 'it names its source'
  if device.platform == 'tpu':
    assert not device.launch and not device.text and device.accelerator_type
    assert targets.target(f'{name}:{device.topology}').whole
  else:
    assert device.platform == 'cuda' and device.launch == 3e-6
    assert device.flops['float32'] < device.flops['tf32']
    assert device.flops['tf32'] < device.flops['bfloat16']


@every_device
def test_the_text_for_the_compiler_agrees_with_the_description(name):
  device = targets.accelerator(name)
  if not device.text:
    return
  found = dict(re.findall(r'(\w+): ([\d.]+)', device.text))
  size = float(found['device_memory_size'])
  # GB or GiB, without what the driver reserves.
  assert 0.95 < size / device.memory < 1.08
  assert float(found['memory_bandwidth']) == device.bandwidth
  for line in device.text.splitlines():
    assert line.count('{') == line.count('}') or line[-1:] in '{}', line
  assert device.text.count('{') == device.text.count('}')


@every_device
def test_a_device_is_found_by_its_kind(name):
  device = targets.accelerator(name)
  assert device.kinds
  for kind in device.kinds:
    assert targets.of_kind(kind) == device
  # XLA prints this line of the description as the kind of a GPU.
  described = re.findall(r'device_description_str: "(.*)"', device.text)
  assert described == (list(device.kinds) if device.text else [])


def test_an_unknown_kind_has_no_description():
  assert targets.of_kind('cpu') is None


@every_device
def test_rates_of_precisions(name):
  device = targets.accelerator(name)
  assert device.rate('bfloat16') == ('bfloat16', device.flops['bfloat16'])
  default = 'bfloat16' if device.platform == 'tpu' else 'tf32'
  assert device.rate('platform') == (default, device.flops[default])
  exact = 'bfloat16' if device.platform == 'tpu' else 'float32'
  assert device.rate('float32') == (exact, device.flops[exact])


def test_targets_are_parsed():
  one, four = targets.target('v5e'), targets.target('v5e:2x4')
  assert (one.topology, one.whole) == ('2x2', False)
  assert (four.topology, four.whole) == ('2x4', True)
  assert one.accelerator == four.accelerator
  assert targets.target('h200').accelerator.platform == 'cuda'
  eight = targets.target('h200:8')
  assert (eight.topology, eight.whole) == ('1x1x8', True)


@pytest.mark.parametrize(
  ('text', 'words'),
  [
    ('h20', ('--target', 'h200', 'did you mean')),
    ('cpu', ('--target', 'v5e')),
    ('', ('--target', 'v5e')),
    ('h200:2x2', ('--target=h200:2x2', 'a number', '--target=h200:8')),
    ('v5e:', ('v5e:2x2', 'topology')),
    ('v5e:four', ('v5e:2x2', 'topology')),
    ('v5e:0x2', ('v5e:2x2', 'topology')),
    ('v5e:2x2x1', ('v5e:2x2', 'topology')),
    ('v5p:2x2', ('v5p:2x2x1', 'topology')),
  ],
)
def test_bad_targets_are_refused(text, words):
  with pytest.raises(UserError) as caught:
    targets.target(text)
  for word in words:
    assert word in str(caught.value)


@pytest.mark.parametrize(
  ('name', 'command'),
  [('v5e', 'pip install "jax[tpu]"'), ('a100', 'pip install "jax[cuda12]"')],
)
def test_a_missing_compiler_is_named(name, command, monkeypatch):
  monkeypatch.setattr('importlib.util.find_spec', lambda module: None)
  with pytest.raises(UserError, match=re.escape(command)):
    targets.devices(targets.target(name))
