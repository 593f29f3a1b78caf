"""Runs the train program, from a configuration to a finished run."""

import os
import sys
from collections.abc import Callable

import jax
import numpy as np

from moegan_jax import data, systems
from moegan_jax.data import Loaded
from moegan_jax.data.corpus import Corpus, describe
from moegan_jax.errors import UserError
from moegan_jax.experiment import compilation, warm_start
from moegan_jax.experiment.batched_runs import (
  SINGLE,
  BatchedRuns,
  Diverged,
  Interrupted,
)
from moegan_jax.experiment.plan import plan
from moegan_jax.experiment.reporter import Reporter
from moegan_jax.experiment.run import Run
from moegan_jax.experiment.settings import check, is_free, slowed
from moegan_jax.experiment.warm_start import COLD, WarmStart
from moegan_jax.metrics import Texts, left_out, two_sample
from moegan_jax.scoring.evaluation import Evaluator
from moegan_jax.store import schema
from moegan_jax.store.workdir import Workdir
from moegan_jax.train import batches, loop, mesh, processes
from moegan_jax.train.engine import Engine
from moegan_jax.types import Spec, System


def run(config, path: str | os.PathLike) -> int:
  """Trains and measures a system.

  Args:
    config: all settings of a run
    path: folder of the run

  Returns:
    Exit code: 0 done, 1 diverged, 130 interrupted.

  Raises:
    UserError: bad input.
  """
  check(config)
  if not processes.several():
    return guarded(path, lambda workdir: _run(config, workdir))
  if not processes.leads():
    return _follow(config)
  return processes.lead(
    lambda: guarded(path, lambda workdir: _run(config, workdir)), _warn
  )


def guarded(path: str | os.PathLike, work: Callable[[Workdir], int]) -> int:
  """Calls a function with a locked workdir and handles its errors.

  Args:
    path: folder of the run
    work: (workdir) -> exit code

  Returns:
    The exit code of `work`; 1 after divergence, 130 after an interruption.

  Raises:
    UserError: bad input, lack of memory, a failure of the disk, or a folder
      that another process has locked.
  """
  compilation.use_cache()
  workdir = Workdir(path)
  workdir.lock()
  try:
    return work(workdir)
  except Diverged as stop:
    _warn(f'stopped: {stop}')
    return 1
  except Interrupted as stop:
    _warn(f'{stop}: saved in {workdir.path}; the same command resumes the run')
    return 130
  except MemoryError as error:
    raise UserError(_too_large(error)) from error
  except jax.errors.JaxRuntimeError as error:
    if 'RESOURCE_EXHAUSTED' not in str(error):
      raise
    raise UserError(_too_large(error)) from error
  except OSError as error:  # such as a deleted folder or a full disk
    raise UserError(
      f'{error.filename or workdir.path}: {error.strerror}; fix this and '
      'repeat the command, which resumes from the last complete checkpoint in '
      f'{workdir.path}'
    ) from error
  except KeyboardInterrupt:
    _warn(
      f'interrupted; the checkpoints in {workdir.path} are complete; the same '
      'command resumes the run'
    )
    return 130
  finally:
    workdir.unlock()


def _too_large(error: Exception) -> str:
  """Returns the message for a lack of memory."""
  return (
    f'not enough memory ({str(error).partition(chr(10))[0][:150]}); use a '
    'smaller batch, eval.chunk, corpus or generator'
  )


def _run(config, workdir: Workdir) -> int:
  """Implements `run` for the leading process."""
  reporter = Reporter()
  reporter.note(f'{config.system}, workdir {workdir.path}')
  loaded = load(config, reporter)
  corpus = loaded.corpus
  warm = COLD
  # A resumed run has the warm start in its own checkpoints.
  if config.init_from and not workdir.has_begun():
    warm = warm_start.load(config, corpus)
  models = _language_models(config, corpus)
  job = prepare(config, corpus, workdir, reporter, models, warm)
  settings = config.to_dict()
  workdir.claim(
    recorded(config, corpus),
    lambda key: is_free(key, settings, workdir.read_json(schema.CONFIG)),
  )
  begin(job)
  table = job.execute()
  page = workdir.path / schema.REPORT
  reporter.note(f'\nfinished; see {page}\n\n{table}')
  return 0


def load(config, reporter: Reporter) -> Loaded:
  """Loads the corpus of a configuration and prints its description.

  Args:
    config: all settings of a run
    reporter: console output

  Raises:
    UserError: see `data.load`.
  """
  loaded = data.load(config.data)
  corpus = loaded.corpus
  if loaded.stands_in:
    note = (
      f'{config.data.name} is not available; the embedded {corpus.name} '
      'grammar replaces it'
    )
    corpus.record['stands_in'] = note
    reporter.banner(note, loaded.stands_in)
  _split_auc(corpus)
  if missing := left_out(corpus.codec.name):
    notes = corpus.record.get('notes', ())
    corpus.record['notes'] = [*notes, *missing]
  if sections := warm_start.lowered(config, len(corpus.train)):
    lower = ' and '.join(f'{s}.batch={config[s].batch}' for s in sections)
    corpus.record.setdefault('notes', []).append(
      f'{lower} lowered to {len(corpus.train)}, the number of training lines'
    )
  reporter.note(describe(corpus.record))
  return loaded


def build(config, corpus: Corpus) -> System:
  """Builds the system of a configuration for a corpus.

  Raises:
    UserError: a value out of range, or a class of few lines.
  """
  spec = spec_of(corpus)
  system = systems.build(warm_start.effective(config, spec.train_size), spec)
  if system.classes:
    corpus.check_classes()
  return system


def spec_of(corpus: Corpus) -> Spec:
  """Returns the properties of a corpus that a system depends on."""
  return Spec(
    corpus.vocab_size,
    corpus.length,
    len(corpus.train),
    corpus.pad,
    corpus.vocabulary,
    corpus.class_shares,
  )


def rows_of(corpus: Corpus, system: System) -> np.ndarray:
  """Returns the training sequences, with labels for a conditional system.

  Returns:
    int32 [N, T], or [N, T + 1]; see `batches.with_labels`.
  """
  if not system.classes:
    return corpus.train
  return batches.with_labels(corpus.train, corpus.labels['train'])


def recorded(config, corpus: Corpus) -> dict:
  """Returns the contents of config.json: settings and corpus checksums."""
  parts = [
    'train',
    'test',
    *['labels'] * bool(config.generator.get('conditional')),
  ]
  checksums = {k: corpus.record[f'{k}_sha256'] for k in parts}
  return config.to_dict() | {'corpus': checksums}


def prepare(
  config,
  corpus: Corpus,
  workdir: Workdir,
  reporter: Reporter,
  fit_lm: Callable | None,
  warm: WarmStart = COLD,
  batched: BatchedRuns = SINGLE,
) -> Run:
  """Builds the run of a configuration without writing files.

  Args:
    config: all settings of a run
    corpus: its corpus
    workdir: folder of the run
    reporter: console output
    fit_lm: see `Evaluator`
    warm: see `Run`
    batched: see `Run`

  Raises:
    UserError: a value out of range.
  """
  system = build(config, corpus)
  evaluator = Evaluator(system, corpus, config.eval.chunk, fit_lm)
  engine: Engine | processes.Leader
  engine = _engine(config, system, corpus, batched)
  if processes.several():
    engine = processes.Leader(engine, corpus.record['train_sha256'])
  return Run(
    config, system, evaluator, workdir, engine, reporter, warm, batched
  )


def _engine(
  config, system: System, corpus: Corpus, batched: BatchedRuns = SINGLE
) -> Engine:
  """Builds the engine of a configuration on the devices that it selects."""
  seeds = config.num_seeds * batched.experiments
  layout = mesh.layout(jax.devices(), seeds, **config.mesh)
  mesh.check_batches(layout, system.phases)
  return Engine(
    system,
    lambda rate: build(slowed(config, rate), corpus),
    rows_of(corpus, system),
    layout,
    config.data.stream,
    batched.values,
    batched.system_of,
  )


def _follow(config) -> int:
  """Implements `run` for the other processes, which only train."""

  def prepare():
    corpus = data.load(config.data).corpus
    system = build(config, corpus)
    shapes = jax.eval_shape(
      lambda: loop.init_seeds(system.init, config.seed, config.num_seeds)
    )
    engine = _engine(config, system, corpus)
    return engine, shapes, corpus.record['train_sha256']

  compilation.use_cache()
  return processes.follow(prepare, _warn)


def begin(job: Run) -> None:
  """Records the environment and the corpus of a run, and prints its plan."""
  job.workdir.record_environment()
  job.workdir.write_json(schema.CORPUS, job.corpus.known())
  job.reporter.table(plan(job))
  job.reporter.note(
    'compiling; working memory and times follow after the first iterations'
  )


def _language_models(config, corpus: Corpus):
  """Returns the function that fits a language model to text.

  Returns:
    See `Evaluator`; None if `eval.language_model` is off, or if all sequences
    have the same length and are no text.
  """
  if not config.eval.language_model or corpus.pad is None:
    return None
  from moegan_jax.scoring.language_model import fitter

  text = [*corpus.train_words, *corpus.valid_words]
  return fitter(text, len(corpus.valid_words))[0]


def _split_auc(corpus: Corpus) -> None:
  """Records how well a classifier separates training and test text.

  The value is the area under the ROC curve; 0.5 means that they are alike.
  """
  if corpus.pad is None or not corpus.test_words:
    return
  texts = Texts(corpus.train_words, corpus.test_words)
  values = two_sample.AUC.of(texts)
  if values:
    corpus.record['split_auc'] = round(float(values['auc']), 4)


def _warn(text: str) -> None:
  """Prints a line to standard error."""
  print(text, file=sys.stderr, flush=True)
