"""Compiles the chunks of a configuration for absent devices."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError
from moegan_jax.experiment.forecast import operations
from moegan_jax.experiment.train_app import build, rows_of
from moegan_jax.train import batches, loop, mesh, stream
from moegan_jax.train.stages import stages
from moegan_jax.types import Phase


class ProgramMemory(NamedTuple):
  """Memory of a program on each device, in bytes.

  Attributes:
    arguments: state and data.
    outputs: state and report.
    aliased: the outputs that reuse the memory of arguments.
    temporaries: working memory.
    code: the program itself.
  """

  arguments: int
  outputs: int
  aliased: int
  temporaries: int
  code: int

  @property
  def total(self) -> int:
    """All memory that a chunk needs."""
    return sum(self) - 2 * self.aliased


class ChunkProgram(NamedTuple):
  """The compiled chunk of a phase.

  Attributes:
    phase: name of the phase.
    seconds: duration of tracing and compilation.
    devices: number of devices that it runs on.
    memory: memory per device.
    products: floating-point operations of the matrix products of an iteration
      per device, counted before compilation; see `train.operation_count`.
    one_pass: what the compiler states about operations and bytes; it counts
      each loop body once. Empty if the compiler states nothing.
    text: the optimised module.
  """

  phase: str
  seconds: float
  devices: int
  memory: ProgramMemory
  products: float
  one_pass: dict[str, float]
  text: str


def programs(
  config: Any,
  corpus: Corpus,
  devices: Sequence[Any],
  note: Callable[[str], None],
) -> Iterator[ChunkProgram]:
  """Compiles the chunk of each phase that has iterations.

  Args:
    config: all settings of a run.
    corpus: its corpus.
    devices: the devices of a topology, which may be absent.
    note: prints a line before each compilation.

  Raises:
    UserError: a value out of range, a mesh that does not fit the devices, or a
      program that the compiler refuses.
  """
  system = build(config, corpus)
  seeds, length = config.num_seeds, corpus.length
  layout = mesh.layout(devices, seeds, **config.mesh)
  mesh.check_batches(layout, system.phases)
  state = jax.eval_shape(
    lambda: loop.init_seeds(system.init, config.seed, seeds)
  )
  for stage in stages(system.phases):
    phase = system.phases[stage.name]
    if not phase.steps:
      continue
    note(f'compiling {stage.name}')
    state = jax.eval_shape(lambda s, p=phase: loop.enter(p, s), state)
    streamed = config.data.get('stream', False)
    data: Any
    rows = rows_of(corpus, system)
    if stream.streams(rows, streamed):
      source, data = batches.streamed(), _block(phase, seeds, rows.shape[1])
    else:
      n = len(rows)
      source = batches.shuffled(phase, stage.start, n)
      order = _shape((seeds, n if phase.epochs else 0))
      data = batches.Shuffled(_shape(rows.shape), order)
    try:
      compiled = loop.compile_chunk(
        phase,
        stage.start,
        state,
        data,
        layout=layout,
        source=source,
        device=devices[0],
      )
    except jax.errors.JaxRuntimeError as error:
      # Without a GPU the compiler for CUDA cannot try other tiles of a product.
      raise UserError(
        f'the compiler of the target refuses the phase {stage.name} '
        f'({str(error).partition(chr(10))[0][:90]}); try --config.unroll=1, '
        'and --config.game.route=scan where the system has it'
      ) from error
    used = layout.mesh.size if layout else 1
    yield ChunkProgram(
      stage.name,
      compiled.seconds,
      used,
      _memory(compiled.program),
      seeds * operations(phase, state, length) / used,
      _one_pass(compiled.program),
      compiled.program.as_text() or '',
    )


def _shape(shape: tuple[int, ...]) -> Any:
  """Returns the shape of an array of integers."""
  return jax.ShapeDtypeStruct(shape, jnp.int32)


def _block(phase: Phase, seeds: int, length: int) -> batches.Block:
  """Returns the shapes of a block of a streamed corpus."""
  shape = stream.block_shape(phase, seeds, length)
  return batches.Block(_shape(shape), _shape(()))


def _memory(program: jax.stages.Compiled) -> ProgramMemory:
  found: Any = program.memory_analysis()
  return ProgramMemory(
    found.argument_size_in_bytes,
    found.output_size_in_bytes,
    found.alias_size_in_bytes,
    found.temp_size_in_bytes,
    found.generated_code_size_in_bytes,
  )


def _one_pass(program: jax.stages.Compiled) -> dict[str, float]:
  """Returns the flops and bytes that the compiler states, if it does."""
  try:
    found = program.cost_analysis() or {}
  except (NotImplementedError, jax.errors.JaxRuntimeError):
    return {}
  names = {'flops': 'flops', 'bytes accessed': 'bytes'}
  return {new: float(found[old]) for old, new in names.items() if old in found}
