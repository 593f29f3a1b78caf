"""Checks of a device: agreement with the CPU, and resumed training."""

import contextlib
import pathlib
import tempfile
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import cases
from benchmarks.cases import Case, Prepared
from moegan_jax import config
from moegan_jax.errors import UserError
from moegan_jax.store.checkpoint import Store
from moegan_jax.train import loop
from moegan_jax.train.stages import stages
from moegan_jax.types import TrainState

STEPS = 3  # iterations of each phase, and of a part of resumed training
# Largest deviations that pass. They leave room for other roundings, which Adam
# amplifies where a gradient is nearly zero; see `benchmarks/NOTES.md`.
TOLERANCES = {'metrics': 1e-3, 'parameters': 1e-2}
# The system with a memory core; the others have an LSTM, which compiles in a
# third of the time.
MEMORY = 'moegan'
_VOCABULARY, _LENGTH, _BATCH = 50, 8, 8
_SIZES = {
  'generator.embed': 8,
  'generator.hidden': 16,
  'generator.head_size': 8,
  'generator.mlp_layers': 1,
  'discriminator.embed': 16,
  'discriminator.hidden': 16,
  'discriminator.filters': 8,
  'discriminator.features': 8,
  'discriminator.representations': 2,
  'discriminator.widths': (2,),  # each width adds to the compilation
  'mle.batch': _BATCH,
  'mle.epochs': 1,
  'adversarial.batch': _BATCH,
  'adversarial.d_steps': 2,
  'adversarial.steps': STEPS,
  'precision': 'float32',
}


def reference() -> jax.Device:
  """Returns the CPU that a device is compared with.

  Raises:
    UserError: JAX has no CPU backend.
  """
  try:
    return jax.devices('cpu')[0]
  except RuntimeError as error:
    raise UserError(
      'JAX_PLATFORMS leaves out the CPU, with which the device is compared; '
      'append ,cpu to it'
    ) from error


def tiny(name: str, memory: bool) -> Case:
  """Builds a system at toy size, with products in full float32.

  Args:
    name: name of a system
    memory: whether to keep a memory core instead of an LSTM
  """
  settings = config.load(f'{name}:coco,smoke')
  if settings.generator.get('cell') == 'rmc' and not memory:
    settings = config.override(settings, {'generator.cell': 'lstm'})
  settings = config.override(settings, _SIZES, optional=_SIZES)
  text = cases.random_text(_VOCABULARY, _LENGTH, STEPS * _BATCH)
  return cases.build(settings, _VOCABULARY, text, pad=0)


def agreement(
  case: Case, device: jax.Device, reference: jax.Device
) -> dict[str, Any]:
  """Trains a system on two devices from one state, and compares.

  Args:
    case: the system
    device: the device to check
    reference: a CPU. Its program is compiled with few optimizations, which
      takes less time and gives other roundings.

  Returns:
    The largest relative deviations of `TOLERANCES` with where they occur, and
    whether both pass. That of a metric is relative to its largest value. That
    of parameters is the norm of the difference relative to the norm of their
    change in training, for each player. A token that is sampled differently,
    because two words are almost equally likely, fails the check; at these sizes
    it is improbable.
  """
  with jax.default_device(reference):
    state = loop.init_seeds(case.system.init, case.config.seed, 1)
  start = _players(state)
  with _few_optimizations():
    wanted, right = _train(case, state, reference)
  found, made = _train(case, state, device)
  metrics = {
    name: _relative(found[name] - wanted[name], wanted[name], np.inf)
    for name in wanted
  }
  parameters = {
    name: _relative(made[name] - right[name], right[name] - start[name], 2)
    for name in right
  }
  values: dict[str, Any] = {}
  for kind, deviations in (('metrics', metrics), ('parameters', parameters)):
    # NaN is the largest.
    worst = max(
      deviations, key=lambda k: np.nan_to_num(deviations[k], nan=np.inf)
    )
    values |= {kind: deviations[worst], f'worst_{kind}': worst}
  values['passed'] = all(values[k] <= most for k, most in TOLERANCES.items())
  return values


def _relative(difference: np.ndarray, scale: np.ndarray, order: float) -> float:
  """Returns the norm of a difference relative to another norm."""
  norm = float(np.linalg.norm(difference, order))
  return norm / (float(np.linalg.norm(scale, order)) or 1.0)


def _copy(state: TrainState, device: jax.Device | None = None) -> TrainState:
  """Copies a state to a device, because a chunk donates the one it is given."""
  return jax.device_put(state, device, may_alias=False)


def _players(state: TrainState) -> dict[str, np.ndarray]:
  """Returns player -> all its parameters in one vector."""
  return {
    name: np.concatenate(
      [np.ravel(x).astype(np.float64) for x in jax.tree.leaves(player.params)]
    )
    for name, player in state.players.items()
  }


def _train(
  case: Case, state: TrainState, device: jax.Device
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
  """Trains a few iterations of each phase on a device.

  Args:
    case: the system
    state: the initial state, on any device; it stays valid
    device: where to train

  Returns:
    'PHASE METRIC' -> values, and player -> parameters.
  """
  metrics = {}
  with jax.default_device(device):
    state = _copy(state, device)
    corpus = jax.device_put(case.tokens, device)
    for stage in stages(case.system.phases):
      phase = case.system.phases[stage.name]
      count = min(STEPS, phase.steps)
      if not count:
        continue
      state = loop.enter(phase, state.replace(step=jnp.int32(stage.start)))
      chunk = loop.compile_chunk(
        phase, stage.start, state, corpus, device=device
      )
      state, report = chunk.call(state, jnp.int32(count), corpus)
      for name, values in report.values.items():
        taken = np.asarray(values, np.float64)[0, :count]
        metrics[f'{stage.name} {name}'] = taken
    return metrics, _players(state)


@contextlib.contextmanager
def _few_optimizations() -> Iterator[None]:
  """Compiles with few optimizations."""
  name = 'jax_disable_most_optimizations'
  before = jax.config.read(name)
  jax.config.update(name, True)
  try:
    yield
  finally:
    jax.config.update(name, before)


def resume(made: Prepared, chunk: loop.Compiled) -> dict[str, Any]:
  """Compares resumed training with unbroken training, bit for bit.

  Args:
    made: the state and the corpus, which stay valid
    chunk: its compiled chunk

  Returns:
    The number of arrays, how many of them differ after a restored checkpoint,
    how many differ between two unbroken runs, and whether none differs. If
    unbroken runs differ, a kernel of the device is not deterministic.
  """

  def train(state: TrainState, count: int) -> TrainState:
    return chunk.call(_copy(state), jnp.int32(count), made.corpus)[0]

  whole = train(made.state, 2 * STEPS)
  again = train(made.state, 2 * STEPS)
  half = train(made.state, STEPS)
  with tempfile.TemporaryDirectory() as folder:
    store = Store(pathlib.Path(folder, 'checkpoints'))
    store.save('last', int(half.step), half, {})
    restored = store.restore('last', template=half)
  if restored is None:
    raise RuntimeError('the saved checkpoint was not found')
  resumed = train(restored.tree, STEPS)
  differ, unstable = _different(whole, resumed), _different(whole, again)
  return {
    'steps': 2 * STEPS,
    'arrays': len(jax.tree.leaves(whole)),
    'differ': differ,
    'unstable': unstable,
    'passed': not differ and not unstable,
  }


def _different(one: TrainState, two: TrainState) -> int:
  """Returns the number of arrays that are not equal bit for bit."""
  pairs = zip(jax.tree.leaves(one), jax.tree.leaves(two), strict=True)
  return sum(_bits(a) != _bits(b) for a, b in pairs)


def _bits(x: jax.Array) -> bytes:
  if jnp.issubdtype(x.dtype, jax.dtypes.prng_key):
    x = jax.random.key_data(x)
  return np.asarray(x).tobytes()
