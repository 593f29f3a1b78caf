"""A run that starts from another run's generator: `init_from`."""

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
from moegan_jax.store.checkpoint import Restored, Store
from moegan_jax.store.rows import Rows
from moegan_jax.store.workdir import Workdir
from moegan_jax.types import Params, Role

# How a row was measured; where these agree, it need not be measured again.
_MEASURED_BY = ('final_samples', 'curve_samples', 'temperatures', 'chunk')
_MEASURED_BY += ('language_model',)
_OWN = ('text', 'matrix')  # corpora that are files of the user
_SAME_TEXT = ('train_sha256', 'test_sha256', 'valid_lines', 'notes')


class WarmStart(NamedTuple):
  """The generator that a run starts from.

  params: [seeds, ...], or None for its initialisation
  known: rows that the other run has measured of it
  """

  params: Params | None
  known: Known


COLD = WarmStart(None, {})


def effective(config: ConfigDict, train_size: int) -> ConfigDict:
  """The configuration that is trained.

  Args:
    config: all settings
    train_size: N, the number of training sequences

  Returns:
    The settings without likelihood training if another run has done it, and
    with batches of at most N sequences; see `lowered`.
  """
  if config.init_from:
    config = override(config, {'mle.epochs': 0})
  batches = {f'{s}.batch': train_size for s in lowered(config, train_size)}
  return override(config, batches)


def load(config: ConfigDict, corpus: Corpus) -> WarmStart:
  """The warm start of `init_from`.

  Raises:
    UserError: see `initial`.
  """
  return WarmStart(initial(config, corpus), known_rows(config, corpus))


def lowered(config: ConfigDict, train_size: int) -> tuple[str, ...]:
  """The sections whose batch is lowered to the size of the corpus.

  The default batches suit benchmarks, and a user's own file may be smaller.
  With a benchmark a larger batch is an error.
  """
  if config.data.name not in _OWN:
    return ()
  return tuple(
    name
    for name, section in config.items()
    if isinstance(section, ConfigDict) and section.get('batch', 0) > train_size
  )


def initial(config: ConfigDict, corpus: Corpus) -> Params:
  """The generator's parameters [seeds, ...] at the end of another run's MLE.

  Raises:
    UserError: no such run, one whose generator or corpus differs, one
      without likelihood training, or one with a seed that diverged.
  """
  other = Workdir(config.init_from, create=False)
  settings = other.read_config()
  if not (settings.get('init_from') or settings.get('mle', {}).get('epochs')):
    raise UserError(
      f'init_from={config.init_from}: that run has no likelihood pre-training '
      '(mle.epochs=0) to begin with; take another one'
    )
  theirs = settings.get('generator')
  ours = config.generator.to_dict()
  if theirs != ours:
    differ = [k for k in ours if (theirs or {}).get(k) != ours[k]]
    raise UserError(
      f'init_from={config.init_from}: its generator has other settings '
      f'({", ".join(differ)}); use the same ones'
    )
  theirs = other.read_json(schema.CORPUS)['record']['train_sha256']
  if theirs != corpus.record['train_sha256']:
    raise UserError(
      f'init_from={config.init_from}: it was trained on another corpus; '
      'give this run the same data settings'
    )
  store = Store(other.checkpoints)
  saved = _end_of_likelihood(store)
  if saved is None:
    raise UserError(
      f'init_from={config.init_from}: that run has not finished its '
      'pre-training'
    )
  lost = [s for s, at in enumerate(saved.meta.get('lost', ())) if at >= 0]
  if lost:
    raise UserError(
      f'init_from={config.init_from}: its seed {lost[0]} diverged; begin with '
      'a run of which all seeds are well'
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
    f'init_from={config.init_from} has {seeds} seeds, num_seeds is '
    f'{config.num_seeds}; use the same number'
  )


def _end_of_likelihood(store: Store) -> Restored | None:
  """The checkpoint at the end of another run's likelihood phase, or None."""
  for step in store.steps('phase'):
    saved = store.restore('phase', step=step)
    if saved is not None and saved.meta.get('role') == Role.LIKELIHOOD:
      return saved
  return None


def known_rows(config: ConfigDict, corpus: Corpus) -> Known:
  """What the other run has measured of that generator, and of real text.

  Nothing if it was measured in another way, or if one seed became several.

  Returns:
    (name, step in a run that begins with this generator) -> values.
  """
  other = Workdir(config.init_from, create=False)
  saved = _end_of_likelihood(Store(other.checkpoints))
  if saved is None:
    return {}
  end = saved.step
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
  found = {
    ('start', 0): rows.read('start', end),
    ('curve_start', 0): rows.read('curve_start', end),
    ('start_tempered', 0): rows.read('start_tempered', end),
    ('real_train', many): rows.read('real_train', many),
    ('real_test', many): rows.read('real_test', many),
    ('real_few', few): rows.read('real_few', few),
  }
  return {key: values for key, values in found.items() if values is not None}
