"""Tests of bad input to the training program: one line and exit code 2.

Bad input to the other programs is tested together with these programs.
"""

import contextlib
import io
import pathlib

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moegan_jax import config, data
from moegan_jax.cli import train
from moegan_jax.errors import UserError
from moegan_jax.experiment import settings as checks
from moegan_jax.experiment import train_app
from moegan_jax.experiment.reporter import Silent
from moegan_jax.experiment.run import Run
from moegan_jax.files import flatten
from moegan_jax.store.workdir import Workdir

ROOT = pathlib.Path(train.__file__).resolve().parents[2]

TINY = {
  'data.train_size': 200,
  'data.test_size': 100,
  'data.vocab_size': 30,
  'data.length': 6,
  'data.oracle_dim': 4,
  'generator.cell': 'lstm',
  'generator.experts': 1,
  'generator.hidden': 4,
  'generator.embed': 4,
  'discriminator.embed': 4,
  'discriminator.filters': 4,
  'discriminator.features': 4,
  'discriminator.widths': (2, 3),
  'mle.epochs': 1,
  'mle.batch': 16,
  'adversarial.steps': 2,
  'adversarial.batch': 8,
}


def flags(**settings):
  """Returns --config.KEY=VALUE flags; a double underscore stands for a dot."""
  return [
    f'--config.{key.replace("__", ".")}={value}'
    for key, value in settings.items()
  ]


ORACLE = [
  '--config=moegan:small',
  *(f'--config.{key}={value}' for key, value in TINY.items()),
]


def text_run(path, **more):
  """Returns the arguments of a run on a text file."""
  return [
    f'--config={ROOT / "configs/mle.py"}:text',
    f'--config.data.path={path}',
    *flags(**more),
  ]


def coco(folder):
  """Returns the arguments of a run on COCO in a folder."""
  return [
    '--config=mle:coco,smoke',
    f'--config.data.dir={folder}',
  ]


def system(name, **more):
  """Returns the arguments of another system on the same corpus."""
  return [f'--config={name}:small', *ORACLE[1:6], *flags(**more)]


# Name -> (function of a folder that returns arguments, words of the error).
BAD = {
  'no config': (lambda d: [], ['--config']),
  'config absent': (lambda d: ['--config=configs/none.py'], ['none.py']),
  'variant': (
    lambda d: [ORACLE[0] + ',huge', *ORACLE[1:]],
    ['huge', 'smoke'],
  ),
  'key': (lambda d: [*ORACLE, '--config.mle.epoch=3'], ['epoch', 'epochs']),
  'no key': (
    lambda d: [*ORACLE, '--config.workdir=x'],
    ['--config.workdir', 'did you mean --workdir'],
  ),
  'section': (lambda d: [*ORACLE, '--config.mlee.lr=3'], ['mlee']),
  'type': (lambda d: [*ORACLE, '--config.mle.epochs=many'], ['mle.epochs']),
  'flag': (lambda d: [*ORACLE, '--workdri=x'], ['workdri']),
  'word': (lambda d: [*ORACLE, 'resume'], ['resume']),
  'system': (
    lambda d: [*ORACLE, '--config.system=moegna'],
    ['config.system', 'moegna', "'moegan'"],
  ),
  'corpus': (
    lambda d: [*ORACLE, '--config.data.name=cocoa'],
    ['data.name', 'cocoa', "'coco'"],
  ),
  'text missing': (lambda d: text_run(d / 'none.txt'), ['none.txt']),
  'text empty': (lambda d: text_run(d / 'empty.txt'), ['empty.txt', 'empty']),
  'text binary': (lambda d: text_run(d / 'raw.txt'), ['raw.txt', 'binary']),
  'text folder': (lambda d: text_run(d), ['directory']),
  'text not given': (lambda d: text_run(''), ['path']),
  'column': (
    lambda d: [*text_run(d / 'my.csv'), '--config.data.column=captoin'],
    ['my.csv', 'data.column', 'captoin', "'caption'"],
  ),
  'label column': (
    lambda d: [*text_run(d / 'my.csv'), '--config.data.label_column=kinds'],
    ['my.csv', 'data.label_column', 'kinds', "'kind'"],
  ),
  'oracle file': (
    lambda d: [*ORACLE, f'--config.data.oracle_file={d / "none.npz"}'],
    ['none.npz'],
  ),
  'workdir': (
    lambda d: [*ORACLE, f'--workdir={d / "raw.txt"}'],
    ['raw.txt', 'file'],
  ),
  'widths': (
    lambda d: [*ORACLE, '--config.discriminator.widths=(2, 9)'],
    ['discriminator.widths', '6'],
  ),
  'sharing': (
    lambda d: [*ORACLE, *flags(generator__sharing='all', generator__experts=2)],
    ['generator.sharing', 'experts'],
  ),
  'experts': (
    lambda d: [*ORACLE, '--config.generator.experts=0'],
    ['generator.experts=0'],
  ),
  'batch': (
    lambda d: [*ORACLE, '--config.mle.batch=201'],
    ['mle.batch=201', '200'],
  ),
  'rate': (lambda d: [*ORACLE, '--config.mle.lr=0'], ['mle.lr']),
  'seed': (
    lambda d: [*ORACLE, f'--config.seed={2**64}'],
    ['seed', '4294967295'],
  ),
  'seeds': (lambda d: [*ORACLE, '--config.num_seeds=0'], ['num_seeds']),
  'best': (
    lambda d: [*ORACLE, '--config.eval.best=blue4'],
    ['eval.best', 'blue4'],
  ),
  'best elsewhere': (
    lambda d: [*ORACLE, '--config.eval.best=bleu4'],
    ['eval.best', 'bleu4'],
  ),
  'best on test': (
    lambda d: [*ORACLE, '--config.eval.best=nll_test'],
    ['eval.best=nll_test', 'eval.selection=test'],
  ),
  'selection': (
    lambda d: [*ORACLE, '--config.eval.selection=tests'],
    ['eval.selection', "'test'", 'validation'],
  ),
  'temperatures': (
    lambda d: [*ORACLE, '--config.eval.temperatures=(0.5, 0.0)'],
    ['eval.temperatures', 'positive'],
  ),
  'init_from': (
    lambda d: [*ORACLE, f'--config.init_from={d}'],
    ['config.json'],
  ),
  'init_from without MLE': (
    lambda d: [*ORACLE, f'--config.init_from={d / "game"}'],
    ['init_from', 'game', 'mle.epochs=0'],
  ),
  'no effect': (
    lambda d: [*ORACLE, '--config.mmd.weight=0.5'],
    ['mmd.weight', 'no setting', 'system=moegan'],
  ),
  'loss': (lambda d: [*ORACLE, '--config.game.loss=wgan'], ['wgan-gp']),
  'horizon': (lambda d: [*ORACLE, '--config.game.horizon=1'], ['horizon']),
  # Contents of files.
  'pickle in an array': (
    lambda d: text_run(d / 'object.npy'),
    ['object.npy'],
  ),
  'pickle in an oracle': (
    lambda d: [*ORACLE, f'--config.data.oracle_file={d / "object.npz"}'],
    ['object.npz'],
  ),
  'half a corpus': (lambda d: coco(d / 'half'), ['half', 'test_coco.txt']),
  'no corpus there': (lambda d: coco(d / 'none'), ['none', 'directory']),
  'JSON lines': (
    lambda d: text_run(d / 'bad.json', data__column='a'),
    ['bad.json'],
  ),
  'test text': (
    lambda d: text_run(d / 'good.txt', data__test_path=d / 'none.txt'),
    ['none.txt'],
  ),
  'line break in a name': (
    lambda d: [*ORACLE, '--config.data.oracle_file=a\n\tb'],
    ['oracle file a b'],
  ),
  'torn config': (
    lambda d: [*ORACLE, f'--workdir={d / "torn"}'],
    ['torn/config.json'],
  ),
  # Settings of a text corpus.
  'codec': (
    lambda d: text_run(d / 'good.txt', data__codec='words'),
    ['codec', 'words'],
  ),
  'header': (
    lambda d: text_run(d / 'my.csv', data__header='yes'),
    ['data.header', 'yes', 'auto'],
  ),
  'encoding': (
    lambda d: text_run(d / 'good.txt', data__encoding='utf-9'),
    ['data.encoding', 'utf-9', 'utf-8'],
  ),
  'bytes of another encoding': (
    lambda d: text_run(d / 'latin.txt'),
    ['latin.txt', '0xe9', 'line 1', 'data.encoding'],
  ),
  'header that is data': (
    lambda d: text_run(d / 'data.csv'),
    ['data.csv', "'7' in line 1 looks like data", 'data.header=false'],
  ),
  'ids of words': (
    lambda d: text_run(d / 'good.txt', data__codec='ids'),
    ['good.txt', 'ids'],
  ),
  'share of the test part': (
    lambda d: text_run(d / 'good.txt', data__test_share=1.0),
    ['test_share'],
  ),
  'shortest count': (
    lambda d: text_run(d / 'good.txt', data__min_count=-1),
    ['min_count'],
  ),
  'rarest word': (
    lambda d: text_run(d / 'good.txt', data__min_count=1000),
    ['good.txt', 'training lines'],
  ),
  'size of a vocabulary': (
    lambda d: text_run(d / 'good.txt', data__max_vocab=-1),
    ['max_vocab'],
  ),
  'longest sentence': (
    lambda d: text_run(d / 'good.txt', data__max_length=-1),
    ['max_length'],
  ),
  'too short for all': (
    lambda d: text_run(d / 'good.txt', data__max_length=1),
    ['max_length', 'good.txt'],
  ),
  # Incompatible settings.
  'soft and replayed': (
    lambda d: [*ORACLE, *flags(game__feedback='soft', game__route='replay')],
    ['game.route=replay', 'game.feedback'],
  ),
  'latent noise and a log-likelihood': (
    lambda d: system('slgan', generator__latent=4, generator__cell='lstm'),
    ['slgan', 'generator.latent'],
  ),
  'alignment elsewhere': (
    lambda d: system('relgan', fsa__weight=0.5),
    ['fsa.weight', 'relgan'],
  ),
  'kernels': (
    lambda d: system('textgan', mmd__bandwidths=(0.0,)),
    ['bandwidths'],
  ),
  'solver': (
    lambda d: system('fmgan', transport__solver='simplex'),
    ['solver', 'simplex'],
  ),
  'rounds of transport': (
    lambda d: system('fmgan', transport__iterations=0),
    ['iterations=0'],
  ),
  'weights': (
    lambda d: system('jsdgan', jsd__normalise='max'),
    ['normalise', 'max'],
  ),
  'direction': (
    lambda d: system('slgan', slgan__direction='back'),
    ['slgan.direction', 'back'],
  ),
  'noise': (
    lambda d: system('slgan', slgan__noise=2.0),
    ['slgan.noise=2.0'],
  ),
  'a discriminator for MLE': (
    lambda d: system('mle', discriminator__embed=8),
    ['discriminator.embed', 'system=mle'],
  ),
  'more memory than there is': (
    lambda d: [*ORACLE, f'--config.data.train_size={2**44}'],
    ['memory'],
  ),
}

# Settings with a value that is out of range or unknown. The error names both.
VALUES = (
  ('num_seeds', -1),
  ('on_nan', 'stop'),
  ('max_rollbacks', -1),
  ('chunk_seconds', -1.0),
  ('checkpoint.every', float('nan')),
  ('checkpoint.keep', 0),
  ('data.oracle_seed', -1),
  ('data.sample_seed', -1),
  ('data.valid_share', 1.0),
  ('data.valid_share', float('nan')),
  ('data.limit', -1),
  ('data.train_size', 0),
  ('data.test_size', 0),
  ('data.length', 0),
  ('data.vocab_size', 0),
  ('data.oracle_dim', 0),
  ('generator.cell', 'gru2'),
  ('generator.init', 'xavier'),
  ('generator.embed', 0),
  ('log_every', 0),
  ('generator.latent', -1),
  ('discriminator.kind', 'rnn'),
  ('discriminator.embed', 0),
  ('discriminator.filters', 0),
  ('discriminator.features', -1),
  ('discriminator.representations', 3),
  ('discriminator.highway', 'yes'),
  ('discriminator.dropout', 1.0),
  ('discriminator.init', 'xavier'),
  ('mle.epochs', -1),
  ('mle.batch', 0),
  ('mle.lr', float('inf')),
  ('mle.lr', 1e300),
  ('mle.clip', 0.0),
  ('adversarial.steps', -1),
  ('adversarial.batch', 0),
  ('adversarial.g_steps', 0),
  ('adversarial.d_steps', 0),
  ('adversarial.d_lr', -1.0),
  ('adversarial.anchor', -1.0),
  ('adversarial.anchor', float('nan')),
  ('adversarial.mle_every', -1),
  ('game.form', 'minmax'),
  ('game.reduce', 'sum'),
  ('game.schedule', 'exponential'),
  ('game.beta', 0.0),
  ('game.relaxation', 'gumbel'),
  ('game.relaxation', 'soft_argmax'),
  ('game.feedback', 'harder'),
  ('game.route', 'reply'),
  ('game.weight', -1.0),
  ('game.top_k', -1),
  ('game.top_p', 0.0),
  ('unroll', 0),
  ('fsa.weight', -1.0),
  ('fsa.distance', 'l2'),
  ('fsa.reduce', 'all'),
  ('fsa.dropout', 'on'),
  ('ccl.weight', -1.0),
  ('mle.eval_every', -1),
  ('adversarial.eval_every', -1),
  ('eval.samples', 1),
  ('eval.final_samples', 0),
  ('eval.chunk', 0),
  ('eval.curve_samples', -1),
  ('eval.temperatures', ('hot',)),
)


@pytest.fixture(autouse=True)
def nothing_is_trained(monkeypatch):
  """Fails at once instead of training if bad input is accepted."""

  def no(self):
    raise AssertionError('bad input was accepted')

  monkeypatch.setattr(Run, 'execute', no)


def run(*argv):
  """Returns exit code, stdout and stderr of a command line."""
  out, err = io.StringIO(), io.StringIO()
  with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
    code = train.main(list(map(str, argv)))
  return code, out.getvalue(), err.getvalue()


def refused(*argv):
  """Returns the error line of a command line, which must be refused."""
  code, _, err = run(*argv)
  assert code == 2, err
  (line,) = err.splitlines()
  assert line.startswith('error: ') and 'Traceback' not in line
  return line


@pytest.fixture
def files(tmp_path):
  """Creates a folder with files, most of them bad."""
  (tmp_path / 'empty.txt').write_bytes(b'')
  (tmp_path / 'raw.txt').write_bytes(b'a\0b\n' * 50)
  (tmp_path / 'good.txt').write_text('a dog runs .\n' * 50)
  (tmp_path / 'latin.txt').write_bytes(b'caf\xe9 .\n' * 50)
  (tmp_path / 'data.csv').write_text('7,a dog runs .\n' * 50)
  (tmp_path / 'bad.json').write_text('{"a": ')
  (tmp_path / 'game').mkdir()
  (tmp_path / 'game/config.json').write_text('{"mle": {"epochs": 0}}')
  (tmp_path / 'torn/checkpoints/last-7').mkdir(parents=True)
  (tmp_path / 'torn/config.json').write_text('{"mle": ')
  (tmp_path / 'my.csv').write_text('kind,caption\n' + 'a,b\n' * 50)
  (tmp_path / 'half').mkdir()
  (tmp_path / 'half/image_coco.txt').write_text('a dog .\n' * 50)
  # Pickled objects, which must not be loaded.
  np.save(tmp_path / 'object.npy', np.array([{}], object), allow_pickle=True)
  np.savez(tmp_path / 'object.npz', embedding=np.array([{}], object))
  return tmp_path


@pytest.mark.parametrize('name', BAD)
def test_bad_input_is_reported_in_one_line(name, files):
  arguments, words = BAD[name]
  line = refused(f'--workdir={files / "run"}', *arguments(files))
  for word in words:
    assert word in line, f'{word!r} is not in {line!r}'


@pytest.mark.parametrize(('key', 'value'), VALUES)
def test_a_bad_value_is_named(key, value, tmp_path):
  given = f'{value!r}' if isinstance(value, tuple) else value
  line = refused(
    f'--workdir={tmp_path / "run"}', *ORACLE, f'--config.{key}={given}'
  )
  assert key.rpartition('.')[2] in line, line
  shown = str(value).strip('()').rstrip(',')
  assert shown in line, f'{shown!r} is not in {line!r}'
  assert not (tmp_path / 'run/checkpoints').exists()


# --- values of any kind ------------------------------------------------------


def _any_value(old):
  """Returns a strategy for values of the type of a setting."""
  if isinstance(old, bool):
    return st.booleans()
  if isinstance(old, int):
    return st.integers(-2, 9) | st.just(-(2**40))
  if isinstance(old, float):
    odd = st.sampled_from((0.0, float('nan'), float('inf'), 1e300, -1.0))
    return odd | st.floats(-2, 2)
  if isinstance(old, str):
    return st.text(max_size=8)
  return st.lists(st.integers(-1, 9) | st.text(max_size=2), max_size=3).map(
    tuple
  )


BASE = config.override(config.load('moegan:small'), TINY)
KEYS = {k: v for k, v in flatten(BASE.to_dict()).items() if k != 'init_from'}


@settings(max_examples=15)
@given(
  given_=st.sampled_from(sorted(KEYS)).flatmap(
    lambda key: st.tuples(st.just(key), _any_value(KEYS[key]))
  )
)
@example(given_=('data.oracle_file', 'a\n\0'))
@example(given_=('discriminator.embed', -1))
@example(given_=('discriminator.widths', ('a',)))
def test_any_value_is_taken_or_refused(given_, tmp_path_factory):
  """Any value of a setting builds a system or raises a `UserError`."""
  key, value = given_
  changed = BASE.copy_and_resolve_references()
  section, _, name = key.rpartition('.')
  (changed[section] if section else changed)[name] = value
  workdir = Workdir(tmp_path_factory.getbasetemp() / 'any')
  try:
    checks.check(changed)
    corpus = data.load(changed.data).corpus
    job = train_app.prepare(changed, corpus, workdir, Silent(), None)
  except UserError as error:
    assert str(error).strip()
  else:
    assert job.stages[-1].end >= 0 and job.shapes.players


def test_batches_of_a_small_file_are_lowered(files, monkeypatch):
  """The plan names the batch; config.json keeps the requested one."""
  (files / 'tiny.txt').write_text('a dog runs .\nthe cat sits .\n' * 13)
  built = []
  monkeypatch.setattr(Run, 'execute', lambda self: built.append(self) or '')
  code, out, err = run(
    *text_run(files / 'tiny.txt'), f'--workdir={files / "run"}'
  )
  assert code == 0, err
  # 26 lines, of which 3 are for the test and 1 for the validation part.
  assert 'mle.batch=64 lowered to 22, the number of training lines' in out
  assert 'iterations, batch 22' in out
  (job,) = built
  assert job.system.phases['pretrain'].batch_size == 22
  config = Workdir(files / 'run', create=False).read_config()
  assert config['mle']['batch'] == 64
