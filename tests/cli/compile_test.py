"""The verb `compile`: errors in one line, and the compiled systems."""

import importlib.util
import json

import compiled_systems
import jax
import pytest
import toys
from command_line import assert_refused, flags, lines
from compiled_systems import EPOCHS, MEMORY, SPEC, TRAIN_SIZE, B, V

from moegan_jax import data, systems
from moegan_jax.accelerators import facts, lowering, targets
from moegan_jax.cli import compile as verb
from moegan_jax.train import loop

# Target -> the module that compiles for it.
COMPILERS = {'v5e': 'libtpu', 'h200': 'jax_cuda12_plugin'}
T = 6  # random numbers on a CPU are loops of 5 trips
CONFIG = '--config=mle:small,smoke'


@pytest.mark.parametrize(
  ('argv', 'words'),
  [
    ([CONFIG], ('--target', 'h200', 'v5e')),
    ([CONFIG, '--target=v9'], ('--target', 'v9', 'choose one of')),
    ([CONFIG, '--target=h200:2x2'], ('--target=h200:2x2', '--target=h200:8')),
    ([CONFIG, '--target=v5e:2'], ('--target=v5e:2', 'topology')),
    (['--target=v5e'], ('--config', 'missing')),
    (['--config=none', '--target=v5e'], ('none',)),
    ([CONFIG, '--target=v5e', '--seeds=0'], ('--seeds', 'at least 1')),
    ([CONFIG, '--target=v5e', '--sedes=1'], ('--sedes', '--help')),
    ([CONFIG, '--target=v5e', '--config.mle.lrr=1'], ('mle.lrr',)),
  ],
)
def test_bad_command_lines_are_refused(argv, words):
  assert_refused(verb, argv, *words)


@pytest.mark.parametrize(
  ('target', 'command'),
  [
    ('v5e', 'pip install "jax[tpu]"'),
    ('v5p:2x2x1', 'pip install "jax[tpu]"'),
    ('h200', 'pip install "jax[cuda12]"'),
  ],
)
def test_a_missing_compiler_is_one_line(target, command, monkeypatch):
  monkeypatch.setattr('importlib.util.find_spec', lambda module: None)
  assert_refused(verb, [CONFIG, f'--target={target}'], command)


def tiny_corpus():
  """Returns a corpus with the sizes of `compiled_systems`."""
  sizes = {'train_size': TRAIN_SIZE, 'length': T, 'vocab_size': V}
  settings = toys.settings('mle:small').data
  settings.update(sizes)
  return data.load(settings).corpus


def needs(target):
  """Skips a test without the compiler of a target."""
  if not importlib.util.find_spec(COMPILERS[target]):
    pytest.skip(f'{COMPILERS[target]} is not installed')


def no_note(text):
  del text


@pytest.mark.usefixtures('quick_compilation')
def test_the_verb_prints_a_table_and_writes_json(tmp_path, monkeypatch):
  """The CPU takes the place of an absent device."""
  monkeypatch.setattr(targets, 'check_installed', lambda device: None)
  monkeypatch.setattr(targets, 'devices', lambda target: jax.devices()[:1])
  path = tmp_path / 'facts.json'
  printed = lines(
    verb,
    *(CONFIG, '--target=h200', '--seeds=2', f'--json={path}'),
    *flags(generator__embed=3, generator__hidden=3, generator__cell='lstm'),
    *flags(data__length=T, data__vocab_size=V, mle__batch=4),
  )
  assert printed[0].startswith(f'mle on oracle: V {V}, T {T}, ')
  assert 'seeds 2' in printed[0] and 'NVIDIA H200' in printed[1]
  (row,) = (line for line in printed if line.startswith('pretrain  '))
  found = json.loads(path.read_text(encoding='utf-8'))
  assert (found['seeds'], found['vocab_size'], found['length']) == (2, V, T)
  (phase,) = found['phases']
  # Both directions of the scan.
  assert [x['trips'] for x in phase['loops']].count(T) == 2
  assert f'{phase["kernels"]["most"]:,}' in row
  assert phase['bound']['seconds'] > 0 and phase['memory']['arguments'] > 0


def test_a_streamed_corpus_is_compiled_as_blocks(quick_compilation):
  c = compiled_systems.tiny('mle')
  corpus, device = tiny_corpus(), jax.devices()[:1]
  sizes = {}
  for c.data.stream in (False, True):
    (program,) = lowering.programs(c, corpus, device, no_note)
    sizes[c.data.stream] = program.memory.arguments
    assert program.text.count(f's32[{TRAIN_SIZE},{T}]') != 0 ^ c.data.stream
  # A block holds the batches of all iterations of this short phase.
  block = EPOCHS * (TRAIN_SIZE // B) * B * T * 4
  resident = TRAIN_SIZE * T * 4 + TRAIN_SIZE * 4  # the corpus and its order
  assert sizes[True] - sizes[False] == block + 4 - resident


def test_a_program_that_the_compiler_refuses_is_one_line(monkeypatch):
  def refuse(*args, **options):
    raise jax.errors.JaxRuntimeError('INTERNAL: no tiles\nmore lines')

  monkeypatch.setattr(targets, 'check_installed', lambda device: None)
  monkeypatch.setattr(targets, 'devices', lambda target: jax.devices()[:1])
  monkeypatch.setattr(loop, 'compile_chunk', refuse)
  monkeypatch.setattr(verb, '_note', no_note)  # progress
  argv = [CONFIG, '--target=h200']
  assert_refused(verb, argv, 'pretrain', 'no tiles', '--config.unroll=1')


@pytest.mark.slow
@pytest.mark.parametrize('target', COMPILERS)
@pytest.mark.parametrize('name', [*systems.SYSTEMS, MEMORY])
def test_every_system_compiles(name, target):
  needs(target)
  wanted, c = targets.target(target), compiled_systems.tiny(name)
  device = targets.devices(wanted)
  phases = 0
  for program in lowering.programs(c, tiny_corpus(), device, no_note):
    found = facts.collect(program, wanted.accelerator, c.precision)
    assert not found['host_transfers'] and not found['dynamic_shapes']
    assert found['kernels']['least'] > 0 and found['products_flops'] > 0
    # On a GPU an iteration of the scan computes two timesteps.
    trips = T // 2 if target == 'h200' else T
    assert trips in [loop['trips'] for loop in found['loops']]
    phases += 1
  assert phases == len(systems.build(c, SPEC).phases)


@pytest.mark.slow
def test_a_mesh_is_compiled_with_collectives():
  needs('v5e')
  wanted, c = targets.target('v5e:2x2'), compiled_systems.tiny('moegan')
  devices, corpus = targets.devices(wanted), tiny_corpus()
  assert len(devices) == 4
  for mesh, used in (({'seed': 1, 'data': 4}, 4), ({'seed': 1, 'data': 1}, 1)):
    c.mesh.update(mesh)
    for program in lowering.programs(c, corpus, devices, no_note):
      assert program.devices == used
      found = facts.collect(program, wanted.accelerator, c.precision)
      sums = found['collectives'].get('all-reduce', {'number': 0})
      assert (sums['number'] > 0) == (used > 1)


@pytest.mark.slow
def test_an_impossible_topology_is_refused():
  needs('v5e')
  words = ('--target=v5e:3x7', 'refused', 'not divisible', '--target=v5e:2x2')
  assert_refused(verb, [CONFIG, '--target=v5e:3x7'], *words)
