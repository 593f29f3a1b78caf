"""Describes what a run is going to do."""

import jax

from moegan_jax.experiment.run import Run
from moegan_jax.train import mesh


def plan(job: Run) -> list[tuple[str, str]]:
  """Describes devices, seeds, players, memory and phases of a run.

  Returns:
    Pairs of a label and a text.
  """
  shapes, seeds = job.shapes, job.size
  devices = jax.devices()
  used = '' if len(devices) == 1 else f', {mesh.describe(job.engine.layout)}'
  cells = '' if job.single else f', of {job.batched.experiments} experiments'
  rows = [
    ('devices', f'{len(devices)} x {devices[0].device_kind}{used}'),
    ('seeds', f'{seeds}{cells}'),
  ]
  for name, player in shapes.players.items():
    count = sum(x.size for x in jax.tree.leaves(player.params)) // seeds
    rows.append(('player', f'{name}, {count:,} parameters'))
  rows += [('embeddings', note) for note in job.system.notes]
  if job.system.classes:
    names = zip(job.corpus.label_names, job.corpus.class_sizes)
    sizes = ', '.join(f'{name} {count:,}' for name, count in names)
    rows.append(('classes', f'{sizes} training lines'))
  size = sum(
    x.size * x.dtype.itemsize
    for x in jax.tree.leaves((shapes.players, shapes.memory))
  )
  rows.append(
    (
      'memory',
      f'{size / 1e6:,.1f} MB of state with the optimizers, '
      f'{job.corpus.train.nbytes / 1e6:,.1f} MB of corpus',
    )
  )
  for name, phase in job.system.phases.items():
    steps, batch = phase.steps, phase.batch_size
    rows.append(('phase', f'{name}, {steps:,} iterations, batch {batch}'))
  return rows
