"""The program behind launch.py: from a configuration to a finished run."""

import os
import pathlib
import sys

import jax
import jax.numpy as jnp

from moegan_jax import data, systems
from moegan_jax.data.codecs import cache_directory
from moegan_jax.data.corpus import Corpus, describe
from moegan_jax.errors import UserError
from moegan_jax.files import write_json
from moegan_jax.metrics import Texts, two_sample
from moegan_jax.train.checkpoint import Store
from moegan_jax.train.evaluation import Evaluator
from moegan_jax.train.run import (
  Diverged,
  Interrupted,
  Options,
  Run,
)
from moegan_jax.train.settings import benchmark, check, is_free, label
from moegan_jax.train.workdir import CORPUS_FILE, Workdir


def run(config, workdir_path: str) -> int:
  """Trains, measures and prints; the exit code of the process.

  Raises:
    UserError: bad input.
  """
  _use_compilation_cache()
  check(config)
  workdir = Workdir(workdir_path)
  workdir.lock()
  try:
    return _run(config, workdir)
  except Diverged as stop:
    print(f'stopped: {stop}', file=sys.stderr)
    return 1
  except Interrupted as stop:
    print(
      f'{stop}: saved in {workdir.path}; the same command goes on from there',
      file=sys.stderr,
    )
    return 130
  except KeyboardInterrupt:
    print(
      f'interrupted; what {workdir.path} holds is whole, and the same command '
      'goes on from there',
      file=sys.stderr,
    )
    return 130
  finally:
    workdir.unlock()


def _run(config, workdir: Workdir) -> int:
  settings = config.to_dict()
  print(f'{config.system}, workdir {workdir.path}', flush=True)
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
  print(describe(corpus.record), flush=True)

  spec = systems.Spec(corpus.vocab_size, corpus.length, len(corpus.train))
  initial = None
  if config.init_from:
    # Only the beginning of a run needs the other one.
    if not workdir.has_begun():
      initial = _initial(config, corpus)
    config = config.copy_and_resolve_references()
    config.unlock()
    config.mle.epochs = 0
  system = systems.build(config, spec)
  workdir.claim(
    settings
    | {
      'corpus': {
        'train': corpus.record['train_sha256'],
        'test': corpus.record['test_sha256'],
      }
    },
    lambda key: is_free(key, settings, workdir),
  )
  workdir.record_environment()
  _remember(workdir, corpus)
  options = Options(
    label=label(config),
    num_seeds=config.num_seeds,
    seed=config.seed,
    initial=initial,
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
  )
  evaluator = Evaluator(
    system, corpus, config.eval.chunk, _language_models(config, corpus)
  )
  job = Run(system, evaluator, workdir, options)
  _plan(job)
  table = job.execute()
  print(f'\nfinished; {workdir.path / "results.md"}\n\n{table}', flush=True)
  return 0


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


def _remember(workdir: Workdir, corpus: Corpus) -> None:
  """Writes what a reader of the run needs of its corpus."""
  known = {
    'name': corpus.name,
    'pad': corpus.pad,
    'codec': corpus.codec.name,
    'vocab_size': corpus.vocab_size,
    'length': corpus.length,
    'train_size': len(corpus.train),
    'record': corpus.record,
    'vocabulary': corpus.vocabulary,
  }
  write_json(workdir.path / CORPUS_FILE, known)


def _initial(config, corpus: Corpus):
  """The generator's parameters [seeds, ...] at the end of another run's MLE.

  Raises:
    UserError: no such run, or one whose generator or corpus differs.
  """
  other = Workdir(config.init_from, create=False)
  theirs = other.read_config().get('generator')
  ours = config.generator.to_dict()
  if theirs != ours:
    differ = [k for k in ours if (theirs or {}).get(k) != ours[k]]
    raise UserError(
      f'init_from={config.init_from}: its generator has other settings '
      f'({", ".join(differ)}); use the same ones'
    )
  theirs = other.read_json(CORPUS_FILE)['record']['train_sha256']
  if theirs != corpus.record['train_sha256']:
    raise UserError(
      f'init_from={config.init_from}: it was trained on another corpus; '
      'give this run the same data settings'
    )
  store = Store(other.checkpoints)
  ends = store.steps('phase')
  saved = store.restore('phase', step=ends[0]) if ends else None
  if saved is None:
    raise UserError(
      f'init_from={config.init_from}: that run has not finished its '
      'pre-training'
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


def _plan(job: Run) -> None:
  """What is going to happen, before anything is compiled."""
  shapes = job.shapes
  devices = jax.devices()
  seeds = job.options.num_seeds
  used = '' if len(devices) == 1 else ', one of them used'
  print(f'devices      {len(devices)} x {devices[0].device_kind}{used}')
  print(f'seeds        {seeds}')
  size = sum(
    x.size * x.dtype.itemsize
    for x in jax.tree.leaves((shapes.players, shapes.memory))
  )
  for name, player in shapes.players.items():
    count = sum(x.size for x in jax.tree.leaves(player.params)) // seeds
    print(f'player       {name}, {count:,} parameters')
  print(f'state        {size / 1e6:,.0f} MB with the optimizers')
  for name, phase in job.system.phases.items():
    print(
      f'phase        {name}, {phase.steps:,} iterations, '
      f'batch {phase.batch_size}'
    )
  print('compiling; times follow after the first iterations', flush=True)


def _banner(*lines: str) -> None:
  width = max(map(len, lines)) + 4
  print('*' * width)
  for line in lines:
    print(f'* {line.ljust(width - 4)} *')
  print('*' * width, flush=True)


def _use_compilation_cache() -> None:
  """Compiled programs are kept between runs, where a folder can be had."""
  folder = pathlib.Path(cache_directory()) / 'xla'
  try:
    folder.mkdir(parents=True, exist_ok=True)
  except OSError:
    return
  if os.access(folder, os.W_OK):
    jax.config.update('jax_compilation_cache_dir', str(folder))
