"""The real command line: runs, resumes, refuses, and survives being killed."""

import collections
import contextlib
import gzip
import io
import json
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import launch
import moegan_jax
from moegan_jax import data, exported
from moegan_jax.cli import train
from moegan_jax.data.captions import captions_oracle
from moegan_jax.errors import UserError
from moegan_jax.store.checkpoint import Store
from moegan_jax.train import loop

pytestmark = pytest.mark.usefixtures('own_cache')

ROOT = pathlib.Path(launch.__file__).resolve().parent
TRAIN, TEST, EPOCH = 200, 100, 12  # 12 batches of 16 in an epoch


def flags(**settings):
  """--config.KEY=VALUE; a double underscore stands for the dot."""
  return [
    f'--config.{key.replace("__", ".")}={value}'
    for key, value in settings.items()
  ]


SMALL = flags(
  data__train_size=TRAIN,
  data__test_size=TEST,
  generator__cell='lstm',
  generator__experts=1,
  generator__hidden=4,
  generator__embed=4,
  discriminator__embed=4,
  discriminator__filters=4,
  discriminator__features=4,
  discriminator__widths='(2, 3)',
  mle__epochs=1,
  mle__batch=16,
  adversarial__steps=2,
  adversarial__batch=8,
  adversarial__d_steps=2,
  mle__eval_every=0,
  adversarial__eval_every=1,
  eval__samples=50,
  eval__final_samples=60,
  eval__chunk=32,
  eval__curve_samples=20,
  eval__temperatures='(0.8, 1.0)',
)
ORACLE = [
  '--config=moegan:small',
  *SMALL,
  *flags(data__vocab_size=30, data__length=6, data__oracle_dim=4),
]
CAPTIONS = [
  '--config=moegan:captions',
  *SMALL,
]


def run(*argv):
  """Exit code, stdout and stderr of a command line, in this process."""
  out, err = io.StringIO(), io.StringIO()
  with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
    code = train.main(argv)
  return code, out.getvalue(), err.getvalue()


def lines_of(workdir):
  text = (workdir / 'metrics.jsonl').read_text(encoding='utf-8')
  return [json.loads(line) for line in text.splitlines()]


def arrays(workdir, kind='last'):
  """The arrays of the newest checkpoint by path, and its step."""
  saved = Store(workdir / 'checkpoints').restore(kind)
  flat, _ = jax.tree_util.tree_flatten_with_path(saved.tree)
  return {
    jax.tree_util.keystr(path): np.asarray(
      jax.random.key_data(x)
      if jnp.issubdtype(x.dtype, jax.dtypes.prng_key)
      else x
    )
    for path, x in flat
  }, saved.step


def assert_same_end(one, two):
  (a, step_a), (b, step_b) = arrays(one), arrays(two)
  assert step_a == step_b and a.keys() == b.keys()
  for path, x in a.items():
    assert x.tobytes() == b[path].tobytes(), path


@pytest.fixture(scope='module')
def finished(tmp_path_factory, own_cache):
  """A finished run of two seeds on the oracle, not to be changed."""
  workdir = tmp_path_factory.mktemp('runs') / 'oracle'
  argv = [*ORACLE, *flags(num_seeds=2), f'--workdir={workdir}']
  code, out, err = run(*argv)
  assert code == 0, err
  return workdir, argv, out


@pytest.fixture
def copied(finished, tmp_path):
  """A copy of that run, and its command line."""
  workdir, argv, _ = finished
  shutil.copytree(workdir, tmp_path / 'run')
  return tmp_path / 'run', [*argv[:-1], f'--workdir={tmp_path / "run"}']


# --- a run and what it leaves ----------------------------------------------


def test_the_workdir_of_a_run(finished):
  workdir, _, out = finished
  config = json.loads((workdir / 'config.json').read_text())
  assert config['data']['vocab_size'] == 30 and config['num_seeds'] == 2
  environment = json.loads((workdir / 'environment.json').read_text())
  assert environment[-1]['versions']['jax'] == jax.__version__
  assert list(workdir.rglob('events.out.tfevents*'))
  names = {path.name for path in (workdir / 'checkpoints').iterdir()}
  end = EPOCH + 2
  assert {f'last-{end}', f'phase-{EPOCH}', f'phase-{end}'} <= names
  assert any(name.startswith('best-') for name in names)
  table = (workdir / 'results.md').read_text(encoding='utf-8')
  for word in ('MLE', 'moegan, last', 'MLE, cooled', 'oracle', 'Jeffreys'):
    assert word in table, word
  for label in ('MLE', 'moegan, last,'):
    assert f'{label} at its best temperature' in table
  record = json.loads((workdir / 'results.json').read_text())
  assert [row['key'] for row in record['rows'][:2]] == [
    'start',
    'last',
  ]
  assert all(len(r['values']['jeffreys']) == 2 for r in record['rows'][:2])
  curves = json.loads((workdir / 'curves.json').read_text())
  assert curves['temperatures'] == [0.8, 1.0]
  assert np.shape(curves['curves']['last']['jeffreys']) == (2, 2)
  with np.load(workdir / 'features.npz') as features:
    assert features['real'].shape == features['fake'].shape == (TEST, 4)
  assert 'Jeffreys' in (workdir / 'report.html').read_text(encoding='utf-8')
  assert 'Jeffreys' in out and 'generator' in out and 'T = 6' in out


def test_the_plan_is_one_aligned_table(finished):
  out = finished[2].splitlines()
  first = out.index('corpus      oracle (ids tokens)')
  (end,) = [i for i, line in enumerate(out) if line.startswith('compiling')]
  assert 'seeds       2' in out[first:end]
  for line in out[first:end]:
    assert line[11] == ' ' and line[12] != ' ', line


def test_measures_are_said_beside_the_samples(finished):
  workdir, _, text = finished
  out = text.splitlines()
  for name, step, done in (
    ('pretrain', EPOCH, f'{EPOCH}/{EPOCH}'),
    ('adversarial', EPOCH + 2, '2/2'),
  ):
    at = out.index(f'samples of {name} at step {step} ({done}):')
    assert 'Jeffreys' in out[at + 4], out[at : at + 5]
  assert f'finished; see {workdir / "report.html"}' in out


def test_the_metrics_of_a_run(finished):
  lines = lines_of(finished[0])
  text = json.dumps(lines)
  for name in ('nll', 'd_loss', 'g_loss', 'jeffreys', 'nll_oracle', 'step_js'):
    assert f'"{name}"' in text, name
  steps = [line['step'] for line in lines]
  assert steps == sorted(steps) and steps[-1] == EPOCH + 2
  # Two seeds that are not one and the same.
  losses = [line for line in lines if 'd_loss' in json.dumps(line)]
  values = [v for line in losses for v in find(line, 'd_loss')]
  assert values and all(len(v) == 2 and v[0] != v[1] for v in values)


def find(value, name):
  """All values of a key in nested dicts."""
  if not isinstance(value, dict):
    return []
  here = [value[name]] if name in value else []
  return here + [x for inner in value.values() for x in find(inner, name)]


def test_samples_are_text(finished):
  files = sorted((finished[0] / 'samples').glob('*.txt'))
  assert {f.stem.rpartition('-')[0] for f in files} == {
    f'{phase}-seed{i}' for phase in ('pretrain', 'adversarial') for i in (0, 1)
  }
  for file in files:
    rows = file.read_text().splitlines()
    assert len(rows) in (50, 60)
    words = [row.split() for row in rows]
    assert all(len(w) == 6 and all(0 <= int(x) < 30 for x in w) for w in words)


def test_a_finished_run_is_an_object(finished):
  workdir, argv, _ = finished
  one = moegan_jax.load(workdir, seed_index=1)
  text = one.sample(40, seed=3)
  assert text[:2] == one.sample(2, seed=3)
  assert text != one.sample(40, seed=4)
  (text,) = (x for x in argv if x.startswith('--config='))
  changes = [x for x in argv if x.startswith('--config.')]
  config = train.configuration(text.partition('=')[2], changes)
  corpus = data.load(config.data).corpus
  held_out = corpus.text(corpus.test[:60])
  row = json.loads((workdir / f'rows/last-{EPOCH + 2}.json').read_text())
  nll = -one.log_prob(held_out).mean() / corpus.length
  np.testing.assert_allclose(nll, row['nll_test'][1], rtol=1e-5)
  assert one.judge(held_out).shape == (60,)
  unknown = '3 3 3 3 3 999'
  assert np.isfinite(one.log_prob([unknown]))
  with pytest.raises(UserError, match='sentence 1 has a word'):
    one.judge([held_out[0], unknown])
  with pytest.raises(UserError, match='sentence 0 has 2 tokens'):
    one.log_prob(['3 3'])
  with pytest.raises(UserError, match='temperature=0'):
    one.sample(1, temperature=0)
  for of_text in (one.log_prob, one.judge):
    with pytest.raises(TypeError, match='one string: give a list'):
      of_text(held_out[0])
  assert one.sample(0) == [] and len(one.log_prob([])) == 0
  with pytest.raises(UserError, match='seed_index=2'):
    moegan_jax.load(workdir, seed_index=2)
  with pytest.raises(UserError, match='no run'):
    moegan_jax.load(workdir / 'samples')


def test_the_same_command_again_prints_the_table_only(finished, monkeypatch):
  workdir, argv, _ = finished
  before = lines_of(workdir)
  table = (workdir / 'results.md').read_text()

  def no(*_):
    raise AssertionError('a finished run must not train')

  monkeypatch.setattr(loop, 'compile_chunk', no)
  code, out, _ = run(*argv)
  assert code == 0 and 'finished' in out and 'Jeffreys' in out
  assert lines_of(workdir) == before
  assert (workdir / 'results.md').read_text() == table


def test_another_config_is_refused_by_the_name_of_the_key(finished):
  workdir, argv, _ = finished
  for change in (['--config.mle.lr=0.5'], ['--config.adversarial.steps=1']):
    code, _, err = run(*argv, *change)
    assert code == 2 and change[0][9:].split('=')[0] in err
    assert err.count('\n') == 1 and str(workdir) in err


def test_more_steps_extend_a_finished_run(copied):
  workdir, argv = copied
  code, _, err = run(*argv, '--config.adversarial.steps=3')
  assert code == 0, err
  assert arrays(workdir)[1] == EPOCH + 3
  steps = [line['step'] for line in lines_of(workdir)]
  assert steps == sorted(steps) and steps[-1] == EPOCH + 3
  config = json.loads((workdir / 'config.json').read_text())
  assert config['adversarial']['steps'] == 3


def test_a_damaged_checkpoint_does_not_end_a_run(copied):
  workdir, argv = copied
  newest = workdir / 'checkpoints' / f'last-{EPOCH + 2}'
  victim = max(
    newest.rglob('*'), key=lambda p: p.is_file() and p.stat().st_size
  )
  data = bytearray(victim.read_bytes())
  data[len(data) // 2] ^= 1
  victim.write_bytes(data)
  code, out, err = run(*argv)
  assert code == 0, err
  assert f'last-{EPOCH + 2} is damaged' in out
  assert arrays(workdir)[1] == EPOCH + 2


@pytest.mark.slow
def test_captions_become_sentences(tmp_path):
  argv = [*CAPTIONS, f'--workdir={tmp_path / "run"}']
  code, _, err = run(*argv)
  assert code == 0, err
  words = set(captions_oracle()[1])
  files = list((tmp_path / 'run' / 'samples').glob('*.txt'))
  assert files
  for file in files:
    rows = file.read_text(encoding='utf-8').splitlines()
    assert any(rows)
    assert {word for row in rows for word in row.split()} <= words
  table = (tmp_path / 'run' / 'results.md').read_text(encoding='utf-8')
  assert 'BLEU-4' in table and 'Self-BLEU-4' in table and 'real text' in table


@pytest.mark.slow
def test_init_from_another_run(finished, tmp_path):
  workdir, argv, _ = finished
  more = [f'--config.init_from={workdir}', f'--workdir={tmp_path / "run"}']
  code, _, err = run(*argv[:-1], *more, '--config.adversarial.steps=1')
  assert code == 0, err
  assert arrays(tmp_path / 'run')[1] == 1
  # Its own adversarial phase starts where that run's likelihood ended.
  table = (tmp_path / 'run' / 'rows' / 'start-0.json').read_text()
  other = (workdir / 'rows' / f'start-{EPOCH}.json').read_text()
  ours, theirs = json.loads(table), json.loads(other)
  assert ours['nll_train'] == pytest.approx(theirs['nll_train'], rel=1e-5)


def test_the_cache_is_where_it_was_asked_to_be(finished, own_cache):
  assert list(own_cache.glob('xla/*'))
  assert jax.config.jax_compilation_cache_dir == str(own_cache / 'xla')


def test_a_loss_that_is_not_finite_ends_with_one(tmp_path):
  argv = [*ORACLE, '--config.mle.lr=1e38', f'--workdir={tmp_path / "run"}']
  code, _, err = run(*argv)
  assert code == 1
  (line,) = err.splitlines()
  for word in ('pretrain', 'step', 'seed 0', 'nll is not finite'):
    assert word in line, word


# --- being interrupted -----------------------------------------------------

LONG = [
  *ORACLE,
  # Two seeds, so that `finished` has compiled the same functions before.
  *flags(num_seeds=2, adversarial__steps=30, adversarial__eval_every=0),
  *flags(chunk_seconds=0.001, checkpoint__every=0.0),
]


@pytest.fixture(scope='module')
def unbroken(tmp_path_factory, own_cache):
  workdir = tmp_path_factory.mktemp('runs') / 'unbroken'
  # In a few long chunks: where they end makes no difference.
  more = flags(chunk_seconds=5.0, checkpoint__every=60.0)
  code, _, err = run(*LONG, *more, f'--workdir={workdir}')
  assert code == 0, err
  return workdir


def test_sigterm_saves_and_the_same_command_goes_on(
  unbroken, tmp_path, monkeypatch
):
  argv = [*LONG, f'--workdir={tmp_path / "run"}']
  save = Store.save

  def save_and_signal(self, kind, step, *args, **more):
    save(self, kind, step, *args, **more)
    if (kind, step) == ('last', EPOCH + 9):
      os.kill(os.getpid(), signal.SIGTERM)

  with monkeypatch.context() as patch:
    patch.setattr(Store, 'save', save_and_signal)
    code, _, err = run(*argv)
  assert code == 130
  (line,) = err.splitlines()
  assert 'SIGTERM' in line and 'saved' in line and str(tmp_path) in line
  assert arrays(tmp_path / 'run')[1] == EPOCH + 9
  code, out, err = run(*argv)
  assert code == 0, err
  assert f'resumed at step {EPOCH + 9} of {EPOCH + 30}' in out
  assert_same_end(tmp_path / 'run', unbroken)


def start(argv, out=subprocess.PIPE):
  """The command line in a process of its own."""
  environment = os.environ | {
    'JAX_DISABLE_MOST_OPTIMIZATIONS': '1',
    'JAX_PLATFORMS': 'cpu',
  }
  return subprocess.Popen(
    [sys.executable, 'launch.py', *argv],
    cwd=ROOT,
    env=environment,
    stdout=out,
    stderr=subprocess.PIPE,
    text=True,
  )


def wait_for_step(process, workdir, step):
  """Waits until a checkpoint of that step or a later one is there."""
  store, deadline = Store(workdir / 'checkpoints'), time.monotonic() + 120
  while not any(s >= step for s in store.steps('last')):
    assert process.poll() is None, process.communicate()[1]
    assert time.monotonic() < deadline, 'no checkpoint within two minutes'
    time.sleep(0.01)


def test_killed_and_resumed_is_unbroken_bit_for_bit(unbroken, tmp_path):
  workdir = tmp_path / 'run'
  argv = [*LONG, f'--workdir={workdir}']
  process = start(argv)
  wait_for_step(process, workdir, EPOCH + 5)
  process.kill()
  process.communicate()
  left = Store(workdir / 'checkpoints').steps('last')[-1]
  assert EPOCH + 5 <= left < EPOCH + 30, 'it was to be killed in the middle'
  code, out, err = run(*argv)
  assert code == 0, err
  assert 'resumed at step' in out
  assert_same_end(workdir, unbroken)


@pytest.mark.slow
def test_killed_three_times(unbroken, tmp_path):
  workdir = tmp_path / 'run'
  argv = [*LONG, f'--workdir={workdir}']
  for step in (5, EPOCH + 3, EPOCH + 17):
    process = start(argv)
    wait_for_step(process, workdir, step)
    process.kill()
    process.communicate()
  process = start(argv)
  _, err = process.communicate(timeout=300)
  assert process.returncode == 0, err
  assert_same_end(workdir, unbroken)


# Moments at which a run is killed: what is waited for, given its folder, what
# it has printed, and the newest checkpoint at its start.
MOMENTS = {
  'starting': lambda folder, said, newest: True,
  'training': lambda folder, said, newest: newest_step(folder) > newest,
  'saving': lambda folder, said, newest: any(folder.glob('checkpoints/.tmp-*')),
  'evaluating': lambda folder, said, newest: 'samples of' in said,
  'measuring': lambda folder, said, newest: 'measuring' in said,
}
KILLS = 16


def newest_step(workdir):
  return max(Store(workdir / 'checkpoints').steps('last'), default=-1)


@pytest.mark.slow
def test_a_loop_of_kills_ends_where_an_unbroken_run_ends(tmp_path):
  settings = flags(
    num_seeds=2,
    adversarial__steps=30,
    adversarial__eval_every=3,
    mle__eval_every=1,
    mle__epochs=2,
    checkpoint__every=0.0,
    chunk_seconds=0.001,
  )
  argv = [*ORACLE, *settings]
  workdir, other = tmp_path / 'run', tmp_path / 'unbroken'
  code, _, err = run(*argv, f'--workdir={other}')
  assert code == 0, err
  rng, kills, lost = random.Random(0), collections.Counter(), 0
  moments = [*MOMENTS] * KILLS
  for moment in moments[:KILLS]:
    number = rng.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
    newest, log = newest_step(workdir), tmp_path / 'log'
    with log.open('w') as out:
      process = start([*argv, f'--workdir={workdir}'], out)
      while process.poll() is None:
        if MOMENTS[moment](workdir, log.read_text(), newest):
          break
        time.sleep(0.002)
      time.sleep(rng.uniform(0, 6 if moment == 'starting' else 0.2))
      seen = newest_step(workdir)
      process.send_signal(number)
      _, err = process.communicate(timeout=120)
    if process.returncode == 0:
      break  # it has come to its end
    kills[moment, number.name] += 1
    assert process.returncode in (130, -number), err
    assert 'Traceback' not in err
    found = Store(workdir / 'checkpoints', pytest.fail).restore('last')
    lost += found is None if seen >= 0 else 0
    assert found is None or found.step >= seen
  code, _, err = run(*argv, f'--workdir={workdir}')
  assert code == 0, err
  print(f'kills survived: {kills.total()}, {dict(kills)}; saves lost: {lost}')
  assert kills.total() >= 8 and lost == 0
  assert_same_end(workdir, other)
  assert arrays(workdir, 'best')[0].keys() == arrays(other, 'best')[0].keys()
  for path, x in arrays(workdir, 'best')[0].items():
    assert x.tobytes() == arrays(other, 'best')[0][path].tobytes(), path
  for file in other.glob('rows/*.json'):
    assert file.read_text() == (workdir / 'rows' / file.name).read_text(), file
  assert evaluations(workdir) == evaluations(other)


def evaluations(workdir):
  """What was measured while training, without the time of day."""
  return [
    {k: v for k, v in record.items() if k != 'time'}
    for record in lines_of(workdir)
    if record['kind'] == 'eval'
  ]


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_process(number, tmp_path):
  workdir = tmp_path / 'run'
  process = start([*LONG, f'--workdir={workdir}'])
  wait_for_step(process, workdir, EPOCH + 2)
  process.send_signal(number)
  _, err = process.communicate(timeout=60)
  assert process.returncode == 130
  name = signal.Signals(number).name
  assert f'{name}: saved in {workdir}' in err.splitlines()[-1]
  assert 'Traceback' not in err


# --- own data --------------------------------------------------------------

# Likelihood alone: what is tried here is the way of the data.
OWN = [
  f'--config={ROOT / "configs/mle.py"}:text',
  *(x for x in SMALL if not re.search('adversarial|discriminator|_size', x)),
]


def test_molecules_are_read_measured_and_loaded(tmp_path):
  molecules = ['CCO', 'CC(=O)Cl', 'c1ccccc1', '[NH4+]', 'CBr'] * 30
  (tmp_path / 'my.smi').write_text('\n'.join(['SMILES', *molecules]))
  code, out, err = run(
    *OWN,
    f'--config.data.path={tmp_path / "my.smi"}',
    f'--workdir={tmp_path / "run"}',
  )
  assert code == 0, err
  assert 'corpus      my (smiles tokens)' in out
  assert '151 lines, of which 150 are used' in out
  assert "my.smi: not readable by the codec smiles (first: line 1, 'M'" in out
  rows = json.loads((tmp_path / 'run' / 'results.json').read_text())['rows']
  values = {row['key']: row['values'] for row in rows}
  assert values['real_train']['valid_molecules'] == 1
  assert values['real_test']['novel_molecules'] == 0
  assert 'novel_molecules' not in values['real_train']
  assert 0 <= values['start']['valid_molecules'][0] <= 1
  loaded = moegan_jax.load(tmp_path / 'run')
  assert np.isfinite(loaded.log_prob(['CCO', 'CC(=O)Cl'])).all()
  with pytest.raises(UserError, match='no symbol of SMILES'):
    loaded.log_prob(['CCX'])


def test_a_fitted_codec_lives_in_the_folder_of_the_run(tmp_path):
  lines = [
    json.dumps({'say': f'The dog no {i % 7} runs', 'kind': i % 2})
    for i in range(150)
  ]
  path = tmp_path / 'my.jsonl.gz'
  path.write_bytes(gzip.compress('\n'.join(lines).encode()))
  argv = [
    *OWN,
    f'--config.data.path={path}',
    f'--workdir={tmp_path / "run"}',
    *flags(data__codec='bpe', data__max_vocab=280),
    *flags(data__column='say', data__label_column='kind'),
  ]
  code, out, err = run(*argv)
  assert code == 0, err
  assert 'labels      2 classes: ' in out
  code, out, err = run(*argv)  # the same bytes give the same codec
  assert code == 0 and 'this run is finished' in out, err
  path.unlink()
  loaded = moegan_jax.load(tmp_path / 'run')
  assert loaded.corpus.label_names == ('0', '1')
  tokens = loaded.encode(['The dog no 3 runs'])
  assert loaded.corpus.text(tokens) == ['The dog no 3 runs']
  assert (tokens < loaded.corpus.vocab_size).all()
  exported.write(tmp_path / 'generator', loaded, {})
  about = json.loads((tmp_path / 'generator' / 'generator.json').read_text())
  assert len(about['bytes']) == 256 and about['separator'] == ''
  sampler = exported.load(tmp_path / 'generator')
  assert sampler.sample(3) == loaded.sample(3)


def test_help_names_the_flags(capsys):
  with pytest.raises(SystemExit) as end:
    train.main(['--help'])
  assert end.value.code == 0
  out = capsys.readouterr().out
  assert '--config' in out and 'workdir' in out


def test_a_blank_in_place_of_the_equals_sign(monkeypatch):
  asked = []
  monkeypatch.setattr(
    train, 'configuration', lambda *given: asked.append(given) or 1 / 0
  )
  for argv in (['--config', 'mle:small,smoke'], ['--config=mle:small,smoke']):
    with pytest.raises(ZeroDivisionError):
      run(*argv, '--config.seed=3')
  assert asked[0] == asked[1]
  assert asked[0] == ('mle:small,smoke', ['--config.seed=3'])
