"""Starts a run from the generator of another run: the setting `init_from`."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from ml_collections import ConfigDict

from moegan_jax.config import override
from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError
from moegan_jax.files import jsonable
from moegan_jax.scoring.table_rows import Known
from moegan_jax.store import schema
from moegan_jax.store.checkpoint import Store
from moegan_jax.store.rows import Rows
from moegan_jax.store.workdir import Workdir
from moegan_jax.types import Params, Role

# Settings and records of which a measured row depends. If they are equal in two
# runs, the row is copied and not measured again.
_MEASURED_BY: tuple[str, ...]
_MEASURED_BY = ('final_samples', 'curve_samples', 'temperatures', 'chunk')
_MEASURED_BY += ('language_model',)
_USER_CORPORA = ('text', 'matrix')  # files of the user
_SAME_TEXT = ('train_sha256', 'test_sha256', 'valid_lines', 'notes')


class WarmStart(NamedTuple):
  """The generator that a run starts from.

  Attributes:
    params: parameters [seeds, ...]; None for the initial ones
    known: rows that the other run has measured of this generator
  """

  params: Params | None
  known: Known


COLD = WarmStart(None, {})


def effective(config: ConfigDict, train_size: int) -> ConfigDict:
  """Returns the configuration that is trained.

  Args:
    config: all settings of a run
    train_size: number of training sequences

  Returns:
    A copy without the likelihood phase if `init_from` is set, and with smaller
    batches if the corpus is small; see `lowered`.
  """
  if config.init_from:
    config = override(config, {'mle.epochs': 0})
  batches = {f'{s}.batch': train_size for s in lowered(config, train_size)}
  return override(config, batches)


def load(config: ConfigDict, corpus: Corpus) -> WarmStart:
  """Loads the warm start of `init_from`.

  Args:
    config: all settings of the new run
    corpus: its corpus

  Raises:
    UserError: see `initial`.
  """
  return WarmStart(initial(config, corpus), known_rows(config, corpus))


def lowered(config: ConfigDict, train_size: int) -> tuple[str, ...]:
  """Returns the sections whose batch is lowered to the size of the corpus.

  Args:
    config: all settings of a run
    train_size: number of training sequences

  The default batches suit benchmarks, and a file of the user may be smaller.
  For other corpora a batch that is too large is an error.
  """
  if config.data.name not in _USER_CORPORA:
    return ()
  return tuple(
    name
    for name, section in config.items()
    if isinstance(section, ConfigDict) and section.get('batch', 0) > train_size
  )


def initial(config: ConfigDict, corpus: Corpus) -> Params:
  """Loads the parameters of a generator at the end of another run's MLE.

  Args:
    config: all settings of the new run
    corpus: its corpus

  Returns:
    The parameters [seeds, ...]. Those of a single seed are repeated.

  Raises:
    UserError: the other run does not exist, has no finished likelihood phase,
      has another generator, corpus or number of seeds, or has a seed that
      diverged.
  """
  other = Workdir(config.init_from, create=False)
  settings = other.read_config()
  if not (settings.get('init_from') or settings.get('mle', {}).get('epochs')):
    raise UserError(
      f'init_from={config.init_from} has no likelihood pre-training '
      '(mle.epochs=0); name a run that has it'
    )
  their_generator = settings.get('generator') or {}
  our_generator = config.generator.to_dict()
  if their_generator != our_generator:
    both = their_generator | our_generator
    differ = [k for k in both if their_generator.get(k) != our_generator.get(k)]
    raise UserError(
      f'init_from={config.init_from} has a generator with another '
      f'{", ".join(differ)}; use the same settings'
    )
  record = other.read_json(schema.CORPUS)['record']
  read = [
    'train_sha256',
    *['labels_sha256'] * bool(config.generator.get('conditional')),
  ]
  if any(record.get(key) != corpus.record[key] for key in read):
    raise UserError(
      f'init_from={config.init_from} was trained on another corpus; use the '
      'same settings of data'
    )
  store = Store(other.checkpoints)
  end = _end_of_likelihood(store)
  saved = None if end is None else store.restore('phase', step=end)
  if saved is None:
    raise UserError(
      f'init_from={config.init_from} has not finished its pre-training; '
      'resume that run first'
    )
  lost = [s for s, at in enumerate(saved.meta.get('lost', ())) if at >= 0]
  if lost:
    raise UserError(
      f'init_from={config.init_from} has a seed that diverged, seed {lost[0]}; '
      'name a run without diverged seeds'
    )
  params = saved.tree['players']['generator']['params']
  seeds = jax.tree.leaves(params)[0].shape[0]
  if seeds == config.num_seeds:
    return params
  if seeds == 1:
    return jax.tree.map(
      lambda x: jnp.repeat(x, config.num_seeds, axis=0), params
    )
  raise UserError(
    f'init_from={config.init_from} has {seeds} seeds and num_seeds is '
    f'{config.num_seeds}; set --config.num_seeds={seeds}'
  )


def _end_of_likelihood(store: Store) -> int | None:
  """Returns the step at the end of likelihood pre-training, or None.

  It is the last one of a likelihood phase before an adversarial phase, as in
  `train.stages.start_of`.
  """
  found = None
  for step in store.steps('phase'):
    role = store.meta('phase', step).get('role')
    if role == Role.ADVERSARIAL:
      break
    if role == Role.LIKELIHOOD:
      found = step
  return found


def known_rows(config: ConfigDict, corpus: Corpus) -> Known:
  """Reads rows of the other run that apply to the new run.

  Args:
    config: all settings of the new run
    corpus: its corpus

  Returns:
    (key of a row, its step in the new run) -> values: the rows of the generator
    and of real text. Empty without `init_from`, or if the other run measured
    them in another way or has another number of seeds.
  """
  if not config.init_from:
    return {}
  other = Workdir(config.init_from, create=False)
  end = _end_of_likelihood(Store(other.checkpoints))
  if end is None:
    return {}
  theirs, ours = other.read_config(), jsonable(config.to_dict())
  record = other.read_json(schema.CORPUS)['record']
  our_record = jsonable(corpus.record)
  if not (
    theirs['num_seeds'] == ours['num_seeds']
    and all(theirs['eval'].get(k) == ours['eval'].get(k) for k in _MEASURED_BY)
    and all(record.get(k) == our_record.get(k) for k in _SAME_TEXT)
  ):
    return {}
  few, many = ours['eval']['curve_samples'], ours['eval']['final_samples']
  rows = Rows(other.path)
  candidates = {
    ('start', 0): rows.read('start', end),
    ('curve_start', 0): rows.read('curve_start', end),
    ('start_tempered', 0): rows.read('start_tempered', end),
    ('real_train', many): rows.read('real_train', many),
    ('real_test', many): rows.read('real_test', many),
    ('real_few', few): rows.read('real_few', few),
  }
  return {
    key: values for key, values in candidates.items() if values is not None
  }
