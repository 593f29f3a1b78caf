"""The measured cases: the updates of a system, and its sampling."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import flops, policy_flops
from benchmarks.players import likelihood_step
from benchmarks.table import Row
from benchmarks.timing import Timing, nbytes, timed
from benchmarks.work import (
  Product,
  Products,
)
from moegan_jax import systems
from moegan_jax.config import override
from moegan_jax.data.corpus import Corpus
from moegan_jax.scoring.evaluation import Evaluator, select_seed
from moegan_jax.systems.assembly import ADVERSARIAL
from moegan_jax.systems.likelihood import PRETRAIN
from moegan_jax.train import loop
from moegan_jax.train.batches import with_labels
from moegan_jax.types import Array, Phase, Spec, System, TrainState, Update

LONG = 0.5  # target duration of a timed call in seconds
POOL_BATCHES = 8  # so that the time to begin a pool is small
NAMES = {PRETRAIN: 'MLE step', ADVERSARIAL: 'whole iteration'}


class Case(NamedTuple):
  """A system and the text it is timed on.

  Attributes:
    config: the configuration of the experiment
    spec: the properties of the text
    system: built from the two
    tokens: int32 [N, T], training text
  """

  config: Any
  spec: Spec
  system: System
  tokens: np.ndarray

  @property
  def rows(self) -> np.ndarray:
    """The text as a chunk reads it. Classes alternate: they cost the same."""
    count = self.system.classes
    if not count:
      return self.tokens
    return with_labels(self.tokens, np.arange(len(self.tokens)) % count)


def build(
  config, vocab_size: int, tokens: np.ndarray, pad: int | None = None
) -> Case:
  """Builds the system of a configuration.

  Args:
    config: the configuration of an experiment
    vocab_size: V
    tokens: int32 [N, T], training text
    pad: id that ends a sequence; None for sequences of fixed length

  Returns:
    A Case.
  """
  classes = (0.5, 0.5) if config.generator.get('conditional') else ()
  spec = Spec(vocab_size, tokens.shape[1], len(tokens), pad, classes=classes)
  return Case(config, spec, systems.build(config, spec), tokens)


def random_text(vocab_size: int, length: int, lines: int) -> np.ndarray:
  """Returns uniformly random tokens, int32 [lines, length].

  The cost of a step does not depend on the content of the text.
  """
  rng = np.random.RandomState(0)
  return rng.randint(0, vocab_size, (lines, length)).astype(np.int32)


def setting(case: Case) -> str:
  """Describes in one line the settings that a measurement depends on."""
  c, spec = case.config, case.spec
  gen = c.generator
  cell = gen.get('cell', 'manager and worker, lstm')
  core = f'{cell} {gen.get("hidden")}'
  if cell == 'rmc':
    memory = f'{gen.slots} x {gen.heads * gen.head_size}'
    core = f'{gen.flavour} memory {memory}, {gen.gate} gates'
  parts = [
    case.system.label or c.system,
    core,
    f'experts {gen.get("experts", 1)}',
  ]
  disc = c.get('discriminator', {})
  if disc.get('kind') == 'cnn':
    parts.append(f'S {disc.representations}, highway {disc.highway}')
  elif 'hidden' in disc:
    parts.append(f'D {disc.get("cell", "hidden")} {disc.hidden}')
  if 'rollout' in c:
    policy = c.rollout.get('policy', 'live')
    parts.append(f'completions {c.rollout.samples} ({policy})')
  if ADVERSARIAL in case.system.phases:
    run = c.adversarial
    d_steps = run.get('d_steps', int('d_lr' in run))
    steps = f'{run.g_steps} + {d_steps}'
    if 'pool' in c:
      steps += f' x {policy_flops.pool_updates(c)}'
    parts.append(f'batch {run.batch}, steps {steps}')
  if c.mle.epochs:
    parts.append(f'MLE batch {c.mle.batch}')
  device = jax.devices()[0]
  return ', '.join(
    [
      *parts,
      f'T {spec.length}',
      f'V {spec.vocab_size:,}',
      f'seeds {c.num_seeds}',
      f'float32, precision of products {c.precision}',
      f'{device.platform} {device.device_kind}',
    ]
  )


class Piece(NamedTuple):
  """An update to time.

  Attributes:
    name: name in the table
    phase: the phase whose settings apply
    update: the update
    steps: number of steps in one application of the update
    products: the products of one step; None if there is no formula
  """

  name: str
  phase: str
  update: Update
  steps: int
  products: Products | None


def pieces(case: Case) -> list[Piece]:
  """Returns the updates of all phases: one per player, and whole iterations.

  A phase without iterations has none.
  """
  c, spec, phases = case.config, case.spec, case.system.phases
  found = []
  if c.mle.epochs:
    formula = flops.knows_generator(c)
    products: Products | None = likelihood_step(c, spec) if formula else None
    # A likelihood phase may train D in turn.
    update = (phases[PRETRAIN].parts or {}).get(
      'generator', phases[PRETRAIN].update
    )
    name, steps = NAMES[PRETRAIN], update.batches
    found.append(Piece(name, PRETRAIN, update, steps, products))
  if ADVERSARIAL not in phases:
    return found
  known = not flops.uncovered(c)
  formulas = {
    'generator': flops.generator_step,
    'discriminator': flops.discriminator_step,
  }
  phase = phases[ADVERSARIAL]
  for player in phase.parts or {}:
    part, steps, own = _steps(case, player)
    products = formulas[player](own, spec) if known else None
    found.append(Piece(f'{player} step', ADVERSARIAL, part, steps, products))
  products = flops.iteration(c, spec) if known else None
  found.append(
    Piece(NAMES[ADVERSARIAL], ADVERSARIAL, phase.update, 1, products)
  )
  return found


def _steps(case: Case, player: str) -> tuple[Update, int, Any]:
  """Returns an update of few steps, their number and its configuration.

  The pools of an iteration can need minutes, so D is timed on a single pool of
  at most POOL_BATCHES batches of samples. A step has B / (2 passes) samples as
  its share of a pool of any size.
  """
  config, system = case.config, case.system
  is_pool = player == 'discriminator' and 'pool' in config
  if is_pool:
    most = POOL_BATCHES * config.adversarial.batch
    few = {'pool.negatives': min(config.pool.negatives, most)}
    config = override(config, few | {'adversarial.d_steps': 1})
    system = systems.build(config, case.spec)
  part = (system.phases[ADVERSARIAL].parts or {})[player]
  # Other steps take one batch each, so the batches count them.
  steps = policy_flops.pool_updates(config) if is_pool else part.batches
  return part, steps, config


class Prepared(NamedTuple):
  """An update of a case with all that its chunk takes.

  Attributes:
    phase: the phase, with the update alone
    start: the step at which it begins
    state: the initial state, which a call of the chunk donates
    corpus: int32 [N, T]
  """

  phase: Phase
  start: int
  state: TrainState
  corpus: Array

  def compiled(self) -> loop.Compiled:
    """Compiles the chunk, as a run does."""
    return loop.compile_chunk(self.phase, self.start, self.state, self.corpus)

  def peak_bytes(self, chunk: loop.Compiled) -> int:
    """Returns the memory of the compiled chunk.

    The state is donated, so results reuse its memory.
    """
    return chunk.extra_bytes + nbytes((self.state, self.corpus))

  def timing(self, chunk: loop.Compiled, steps: int, repeats: int) -> Timing:
    """Times a step, and donates the state.

    Args:
      chunk: the compiled chunk
      steps: number of steps in one application of the update
      repeats: number of timed calls
    """
    state = self.state

    def call(count: int):
      nonlocal state
      state, report = chunk.call(state, jnp.int32(count), self.corpus)
      return report

    jax.block_until_ready(call(1))
    count = max(1, int(LONG / timed(lambda: call(1), 1).median))
    return timed(lambda: call(count), repeats).over(count * steps)


def prepare(case: Case, piece: Piece) -> Prepared:
  """Initialises the state in which a run begins the phase of an update."""
  phases = case.system.phases
  phase: Phase = phases[piece.phase]._replace(update=piece.update)
  earlier = list(phases)[: list(phases).index(piece.phase)]
  start = sum(phases[name].steps for name in earlier)
  state = loop.init_seeds(
    case.system.init, case.config.seed, case.config.num_seeds
  )
  state = loop.enter(phase, state.replace(step=jnp.int32(start)))
  return Prepared(phase, start, state, jnp.asarray(case.rows))


def measure(case: Case, piece: Piece, repeats: int, warm: bool) -> Row:
  """Times an update as in a run: in a compiled chunk with donated state.

  Args:
    case: the system and its text
    piece: the update
    repeats: number of timed calls
    warm: whether to compile a second time, from the cache on disk

  Returns:
    A Row, in which times and products are those of one step.
  """
  made = prepare(case, piece)

  def compiled() -> loop.Compiled:
    jax.clear_caches()  # a new run has no traces in memory
    return made.compiled()

  chunk = compiled()
  cold, again = chunk.seconds, compiled().seconds if warm else None
  peak = made.peak_bytes(chunk)
  seeds = case.config.num_seeds
  size = made.phase.batch_size * piece.update.batches * case.spec.length
  return Row(
    piece.name,
    made.timing(chunk, piece.steps, repeats),
    tokens=seeds * size / piece.steps,
    gflop=seeds * flops.gflop(piece.products) if piece.products else None,
    peak_bytes=peak,
    cold=cold,
    warm=again,
  )


def measure_sampling(
  case: Case, corpus: Corpus, n: int, repeats: int, warm: bool
) -> Row:
  """Times sampling as in an evaluation, including the transfer to the host.

  Args:
    case: the system
    corpus: its text
    n: number of samples, drawn for one seed
    repeats: number of timed calls
    warm: whether to compile a second time, from the cache on disk

  Returns:
    A Row.
  """
  config, spec = case.config, case.spec
  chunk = config.eval.chunk
  state = select_seed(loop.init_seeds(case.system.init, config.seed, 1), 0)
  key = jax.random.key(0)

  def compiled():
    jax.clear_caches()
    begin = time.monotonic()
    program = (
      jax.jit(lambda s, k, h, i: case.system.sample(s, k, chunk, h, i))
      .lower(state, key, jnp.float32(1), jnp.int32(0))
      .compile()
    )
    return program, time.monotonic() - begin

  program, cold = compiled()
  again = compiled()[1] if warm else None
  memory = program.memory_analysis()
  draw = Evaluator(case.system, corpus, chunk).sample
  draw(state, key, chunk)
  timing = timed(lambda: draw(state, key, n), repeats)
  return Row(
    f'sampling of {n:,}',
    timing,
    tokens=n * spec.length,
    gflop=(
      flops.gflop(flops.sampling(config, spec, n))
      if flops.knows_generator(config)
      else None
    ),
    peak_bytes=memory
    and memory.temp_size_in_bytes
    + memory.argument_size_in_bytes
    + memory.output_size_in_bytes,
    cold=cold,
    warm=again,
  )


def all_products(case: Case, samples: int) -> Iterator[Product]:
  """Yields all products in the formulas, to find the best rate."""
  if flops.knows_generator(case.config):
    yield from flops.sampling(case.config, case.spec, samples)
  for piece in pieces(case):
    yield from piece.products or ()
