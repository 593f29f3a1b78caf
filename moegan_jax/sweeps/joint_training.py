"""Joint training: several experiments as one program along the seed axis.

Numbers in a formula, such as learning rates, may be arrays over the seed axis.
Experiments that differ only in such settings share one compiled program. After
training, each experiment gets the folder of an ordinary run, which then
measures it.
"""

import os
import pathlib
import re
import shutil
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from ml_collections import ConfigDict

from moegan_jax import systems
from moegan_jax.data.textfile import read_written
from moegan_jax.experiment import train_app, warm_start
from moegan_jax.experiment.batched_runs import BatchedRuns
from moegan_jax.experiment.reporter import Reporter
from moegan_jax.experiment.run import Run
from moegan_jax.experiment.settings import is_free
from moegan_jax.scoring import table_rows
from moegan_jax.store import schema
from moegan_jax.store.checkpoint import Restored, Store
from moegan_jax.store.reading import RECORD_KEYS
from moegan_jax.store.records import RecordWriter
from moegan_jax.store.rows import Rows
from moegan_jax.store.workdir import Workdir
from moegan_jax.sweeps.plan import ARRAYS
from moegan_jax.train.stages import start_of
from moegan_jax.types import TrainState

Configs = Mapping[str, ConfigDict]
_SAMPLES = re.compile(r'(.+)-seed(\d+)-(\d+)')


def values_of(configs: Configs) -> dict[str, jax.Array]:
  """Returns the settings of `plan.ARRAYS` in which experiments differ.

  Args:
    configs: name -> configuration, all with the same number of seeds.

  Returns:
    Dotted key -> float32 [experiments * seeds].
  """
  found = {}
  seeds = next(iter(configs.values())).num_seeds
  for key in ARRAYS:
    section, name = key.split('.')
    own = [c.get(section, {}).get(name) for c in configs.values()]
    if len(set(own)) > 1:
      found[key] = jnp.repeat(jnp.array(own, jnp.float32), seeds)
  return found


def with_values(config: ConfigDict, values: Mapping) -> ConfigDict:
  """Copies a configuration and replaces settings, also by traced arrays.

  Args:
    config: the configuration.
    values: dotted key -> value.
  """
  made = ConfigDict(config.to_dict(), type_safe=False)
  for key, value in values.items():
    section, name = key.split('.')
    made[section][name] = value
  return made


def run(
  configs: Configs,
  path: str | os.PathLike,
  folders: Mapping[str, pathlib.Path],
) -> int:
  """Trains experiments as one program and splits them into run folders.

  Args:
    configs: name -> configuration, all with the same `plan.program_of`.
    path: the folder of the joint training.
    folders: name -> the run folder of an experiment, for experiments without
      one.

  Returns:
    The exit code; see `train_app.run`.

  Raises:
    UserError: the settings or the data are invalid.
  """
  return train_app.guarded(path, lambda w: _run(configs, w, folders))


def _run(configs: Configs, workdir: Workdir, folders) -> int:
  first = next(iter(configs.values()))
  reporter = Reporter()
  reporter.note(
    f'{first.system}, {", ".join(configs)} as one program, workdir '
    f'{workdir.path}'
  )
  corpus = train_app.load(first, reporter).corpus
  warm = warm_start.COLD
  if first.init_from and not workdir.has_begun():
    given = [warm_start.initial(config, corpus) for config in configs.values()]
    params = jax.tree.map(lambda *parts: jnp.concatenate(parts), *given)
    warm = warm_start.WarmStart(params, {})
  spec = train_app.spec_of(corpus)
  common = warm_start.effective(first, spec.train_size)
  batched = BatchedRuns(
    len(configs),
    values_of(configs),
    lambda values: systems.build(with_values(common, values), spec),
  )
  job = train_app.prepare(first, corpus, workdir, reporter, None, warm, batched)
  settings = {k: train_app.recorded(c, corpus) for k, c in configs.items()}

  def free(key: str) -> bool:
    name, _, rest = key.partition('.')
    before = workdir.read_json(schema.CONFIG)
    known = name in settings and name in before
    return known and is_free(rest, settings[name], before[name])

  workdir.claim(settings, free)
  train_app.begin(job)
  job.execute()
  for i, (name, config) in enumerate(configs.items()):
    if name not in folders:
      continue
    own = slice(i * config.num_seeds, (i + 1) * config.num_seeds)
    if (job.health.lost[own] >= 0).all():
      fault = _fault(job.records.read(), own)
      reporter.note(f'{name} has no result: {fault}')
      continue
    known = warm_start.known_rows(config, corpus)
    _split(job, own, Workdir(folders[name]), settings[name], known)
  return 0


def _fault(records: list[dict], own: slice) -> str:
  """Describes why an experiment diverged.

  Args:
    records: of the joint training.
    own: the seeds of the experiment.

  Returns:
    The first metric that is not finite, its phase and step; '' without any.
  """
  for record in records:
    if record['kind'] != 'train':
      continue
    losses = {k: v for k, v in record.items() if k not in RECORD_KEYS}
    lost = [k for k, v in losses.items() if not np.isfinite(v[own]).all()]
    if lost:
      return (
        f'phase {record["phase"]}, by step {record["step"]}: {lost[0]} is not '
        'finite; lower the learning rate'
      )
  return ''


def _split(
  job: Run,
  own: slice,
  workdir: Workdir,
  settings: dict,
  known: table_rows.Known,
) -> None:
  """Writes the run folder of one experiment.

  One rename adds the checkpoints at the end. If it is interrupted before, the
  folder counts as untrained, and the next attempt repeats it.

  Args:
    job: the joint training.
    own: the seeds of the experiment.
    workdir: the run folder.
    settings: the content of config.json.
    known: rows that another run measured.

  Raises:
    UserError: the folder cannot be written.
  """
  workdir.write_json(schema.CONFIG, settings)
  for name in (schema.ENVIRONMENT, schema.CORPUS):
    workdir.write_json(name, job.workdir.read_json(name))
  _split_records(job, own, workdir, known)
  temporary = workdir.path / f'.{schema.CHECKPOINTS}'
  shutil.rmtree(temporary, ignore_errors=True)
  store = Store(temporary)
  for kind, saved in _checkpoints(job):
    state, meta, step = _part(saved.tree, own), saved.meta, saved.step
    # The run is trained to its end, so its log has no unfinished window.
    meta = {k: v for k, v in meta.items() if k != 'log'}
    if 'lost' in meta:
      meta = meta | {'lost': meta['lost'][own]}
    if kind == 'best':
      meta = meta | {k: meta[k][own] for k in ('steps', 'values')}
      step = max(meta['steps'])
      state = state.replace(step=jnp.int32(step))
    store.save(kind, step, state, meta)
  shutil.rmtree(workdir.checkpoints, ignore_errors=True)
  os.rename(temporary, workdir.checkpoints)
  table_rows.write_known(Rows(workdir.path), known)


def _checkpoints(job: Run) -> list[tuple[str, Restored]]:
  """Returns the checkpoints that a run folder needs, of all experiments."""
  ends = [('phase', step) for step in job.store.steps('phase')]
  found = [
    (kind, job.store.restore(kind, job.shapes, step))
    for kind, step in [*ends, ('best', None), ('last', None)]
  ]
  return [(kind, saved) for kind, saved in found if saved is not None]


def _part(state: TrainState, own: slice) -> TrainState:
  """Returns the state of the seeds of one experiment."""
  key, players, memory = jax.tree.map(
    lambda x: x[own], (state.key, state.players, state.memory)
  )
  return TrainState(state.step, key, players, memory)


def _split_records(
  job: Run, own: slice, workdir: Workdir, known: table_rows.Known
) -> None:
  """Writes the metrics and the samples of one experiment.

  See `_split` for the arguments.
  """
  records = RecordWriter(workdir.path)
  records.rewind(-1)
  start = start_of(job.stages)
  table_rows.record_known(records, known, start, job.config.eval)
  for record in job.records.read():
    values = {
      name: value[own] if isinstance(value, list) else value
      for name, value in record.items()
      if name not in RECORD_KEYS
    }
    kind, phase, step = (record[k] for k in ('kind', 'phase', 'step'))
    records.write(kind, phase, step, values, at=record['time'])
  seeds = own.stop - own.start
  for path in (job.workdir.path / schema.SAMPLES).glob('*.txt'):
    match = _SAMPLES.fullmatch(path.stem)
    if match and own.start <= int(match[2]) < own.stop:
      seed = int(match[2]) - own.start
      label = match[1] if seeds == 1 else f'{match[1]}-seed{seed}'
      lines = read_written(path)
      records.samples(label, int(match[3]), lines)
  records.close()
