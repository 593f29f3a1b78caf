"""The program behind launch.py: from a configuration to a finished run."""

import os
import sys
from collections.abc import Callable

import jax

from moegan_jax import data, systems
from moegan_jax.data import Loaded
from moegan_jax.data.corpus import LABEL, Corpus, describe
from moegan_jax.errors import UserError
from moegan_jax.files import write_json
from moegan_jax.metrics import Texts, left_out, two_sample
from moegan_jax.train import compilation, loop, mesh, processes, start
from moegan_jax.train.engine import Engine
from moegan_jax.train.evaluation import Evaluator
from moegan_jax.train.results import Known
from moegan_jax.train.run import (
  ALONE,
  Diverged,
  Interrupted,
  Members,
  Options,
  Run,
)
from moegan_jax.train.settings import (
  benchmark,
  check,
  is_free,
  label,
  slowed,
)
from moegan_jax.train.unread import is_unread
from moegan_jax.train.workdir import CORPUS_FILE, Workdir
from moegan_jax.types import Params, Spec, System


def run(config, path: str | os.PathLike) -> int:
  """Trains, measures and prints; the exit code of the process.

  Raises:
    UserError: bad input.
  """
  check(config)
  if not processes.several():
    return guarded(path, lambda workdir: _run(config, workdir))
  if not processes.leads():
    return _follow(config)
  return processes.lead(
    lambda: guarded(path, lambda workdir: _run(config, workdir))
  )


def guarded(path: str | os.PathLike, work: Callable[[Workdir], int]) -> int:
  """Works in a folder that it locks; how it ended, as an exit code.

  Raises:
    UserError: bad input, or another process works there.
  """
  compilation.use_cache()
  workdir = Workdir(path)
  workdir.lock()
  try:
    return work(workdir)
  except Diverged as stop:
    print(f'stopped: {stop}', file=sys.stderr)
    return 1
  except Interrupted as stop:
    print(
      f'{stop}: saved in {workdir.path}; the same command goes on from there',
      file=sys.stderr,
    )
    return 130
  except MemoryError as error:
    raise UserError(_too_large(error)) from error
  except jax.errors.JaxRuntimeError as error:
    if 'RESOURCE_EXHAUSTED' not in str(error):
      raise
    raise UserError(_too_large(error)) from error
  except OSError as error:  # the folder is gone, or its disk
    raise UserError(
      f'{error.filename or workdir.path}: {error.strerror}; checkpoints that '
      f'{workdir.path} still has are whole'
    ) from error
  except KeyboardInterrupt:
    print(
      f'interrupted; what {workdir.path} holds is whole, and the same command '
      'goes on from there',
      file=sys.stderr,
    )
    return 130
  finally:
    workdir.unlock()


def _too_large(error: Exception) -> str:
  return (
    f'not enough memory ({str(error).partition(chr(10))[0][:150]}); a smaller '
    'batch, eval.chunk, corpus or generator may fit'
  )


def _run(config, workdir: Workdir) -> int:
  print(f'{config.system}, workdir {workdir.path}', flush=True)
  loaded = load(config)
  corpus = loaded.corpus
  initial, known = None, {}
  # Only the beginning of a run needs the other one.
  if config.init_from and not workdir.has_begun():
    initial = start.initial(config, corpus)
    known = start.known_rows(config, corpus)
  job = prepare(
    config, loaded, workdir, _language_models(config, corpus), initial, known
  )
  settings = config.to_dict()
  workdir.claim(
    recorded(config, corpus),
    lambda key: (
      is_unread(config, key) or is_free(key, settings, workdir.read_config())
    ),
  )
  begin(job)
  table = job.execute()
  page = workdir.path / 'report.html'
  print(f'\nfinished; see {page}\n\n{table}', flush=True)
  return 0


def load(config) -> Loaded:
  """The corpus of a configuration, described on the screen.

  Raises:
    UserError: see `data.load`.
  """
  loaded = data.load(config.data)
  corpus = loaded.corpus
  if loaded.stands_in:
    note = (
      f'{config.data.name} cannot be had; the embedded {corpus.name} grammar '
      'stands in for it'
    )
    corpus.record['stands_in'] = note
    _banner(note, loaded.stands_in)
  _split_auc(corpus)
  if missing := left_out(corpus.codec.name):
    notes = corpus.record.get('notes', ())
    corpus.record['notes'] = [*notes, *missing]
  if sections := start.lowered(config, len(corpus.train)):
    lower = ' and '.join(f'{s}.batch={config[s].batch}' for s in sections)
    corpus.record.setdefault('notes', []).append(
      f'{lower} lowered to {len(corpus.train)}, the number of training lines'
    )
  print(describe(corpus.record), flush=True)
  return loaded


def build(config, corpus: Corpus) -> System:
  """The system of a configuration, for the size of a corpus."""
  spec = Spec(corpus.vocab_size, corpus.length, len(corpus.train), corpus.pad)
  return systems.build(start.effective(config, spec.train_size), spec)


def recorded(config, corpus: Corpus) -> dict:
  """What config.json holds: all settings, and which corpus it was."""
  sums = {k: corpus.record[f'{k}_sha256'] for k in ('train', 'test')}
  return config.to_dict() | {'corpus': sums}


def prepare(
  config,
  loaded: Loaded,
  workdir: Workdir,
  fit_lm: Callable | None,
  initial: Params | None,
  known: Known,
  members: Members = ALONE,
) -> Run:
  """The run of a configuration; nothing is written yet.

  Args:
    fit_lm: see `Evaluator`
    initial, known, members: see `Options` and `Run`
  """
  system, corpus = build(config, loaded.corpus), loaded.corpus
  options = Options(
    label=label(config),
    num_seeds=config.num_seeds,
    seed=config.seed,
    initial=initial,
    pretrained=bool(config.init_from or config.mle.epochs),
    chunk_seconds=config.chunk_seconds,
    keep=config.checkpoint.keep,
    save_every=config.checkpoint.every,
    samples=config.eval.samples,
    final_samples=config.eval.final_samples,
    eval_every={
      'pretrain': config.eval.pretrain_every,
      'adversarial': config.eval.adversarial_every,
    },
    best=config.eval.best,
    selection=config.eval.selection,
    temperatures=tuple(map(float, config.eval.temperatures)),
    curve_samples=config.eval.curve_samples,
    published='' if loaded.stands_in else benchmark(config.data),
    known=known,
    on_nan=config.on_nan,
    max_rollbacks=config.max_rollbacks,
  )
  evaluator = Evaluator(system, corpus, config.eval.chunk, fit_lm)
  engine = _engine(config, system, corpus, members)
  if processes.several():
    engine = processes.Leader(engine, corpus.record['train_sha256'])
  return Run(system, evaluator, workdir, options, engine, members)


def _engine(
  config, system: System, corpus: Corpus, members: Members = ALONE
) -> Engine:
  """What trains, on the devices that a configuration asks for."""
  seeds = config.num_seeds * members.count
  where = mesh.layout(jax.devices(), seeds, **config.mesh)
  mesh.check_batches(where, system.phases)
  return Engine(
    system,
    lambda rate: build(slowed(config, rate), corpus),
    corpus.train,
    where,
    config.data.stream,
    members.values,
    members.system_of,
  )


def _follow(config) -> int:
  """A process that does not lead: it trains, and leaves the rest to others."""

  def prepare():
    corpus = data.load(config.data).corpus
    system = build(config, corpus)
    shapes = jax.eval_shape(
      lambda: loop.init_seeds(system.init, config.seed, config.num_seeds)
    )
    engine = _engine(config, system, corpus)
    return engine, shapes, corpus.record['train_sha256']

  compilation.use_cache()
  return processes.follow(prepare)


def begin(job: Run) -> None:
  """Notes where and on what a run runs, and says what is going to happen."""
  job.workdir.record_environment()
  write_json(job.workdir.path / CORPUS_FILE, job.corpus.known())
  _plan(job)


def _language_models(config, corpus: Corpus):
  """What fits a language model to text, where it is wanted and makes sense."""
  if not config.eval.language_model or corpus.pad is None:
    return None
  from moegan_jax.train.language_model import fitter

  text = [*corpus.train_words, *corpus.valid_words]
  return fitter(text, len(corpus.valid_words))[0]


def _split_auc(corpus: Corpus) -> None:
  """Notes in the record how unlike training and test text are."""
  if corpus.pad is None or not corpus.test_words:
    return
  texts = Texts(corpus.train_words, corpus.test_words)
  found = two_sample.AUC.of(texts)
  if found:
    corpus.record['split_auc'] = round(found['auc'], 4)


def _plan(job: Run) -> None:
  """What is going to happen, before anything is compiled."""
  shapes, seeds = job.shapes, job.size
  devices = jax.devices()
  used = '' if len(devices) == 1 else f', {mesh.describe(job.engine.where)}'
  cells = '' if job.alone else f', of {job.members.count} experiments'
  rows = [
    ('devices', f'{len(devices)} x {devices[0].device_kind}{used}'),
    ('seeds', f'{seeds}{cells}'),
  ]
  for name, player in shapes.players.items():
    count = sum(x.size for x in jax.tree.leaves(player.params)) // seeds
    rows.append(('player', f'{name}, {count:,} parameters'))
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
  for what, text in rows:
    print(f'{what:<{LABEL}}{text}')
  print(
    'compiling; working memory and times follow after the first iterations',
    flush=True,
  )


def _banner(*lines: str) -> None:
  width = max(map(len, lines)) + 4
  print('*' * width)
  for line in lines:
    print(f'* {line.ljust(width - 4)} *')
  print('*' * width, flush=True)
