"""Tests of the programs for a trained run: sample, export, info."""

import contextlib
import io
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys

import jax
import numpy as np
import pytest
import safetensors.numpy
from jax import export as jax_export

import moegan_jax
from moegan_jax import sampler, trained
from moegan_jax.cli import export, info, sample, train
from moegan_jax.data import bpe
from moegan_jax.train import keys

pytestmark = pytest.mark.usefixtures('own_cache', 'no_figures')

ROOT = pathlib.Path(moegan_jax.__file__).resolve().parents[1]
PRETRAINED, END, MEASURED = 24, 28, 300
BATCH = 64
SETTINGS = {
  'num_seeds': 2,
  'data.codec': 'whitespace',
  'generator.hidden': 8,
  'generator.embed': 4,
  'generator.latent': 4,
  'discriminator.embed': 4,
  'discriminator.filters': 4,
  'discriminator.features': 4,
  'discriminator.widths': '(2,)',
  'mle.epochs': 6,
  'mle.batch': 16,
  'mle.lr': 0.05,
  'adversarial.steps': END - PRETRAINED,
  'adversarial.batch': 8,
  'adversarial.d_steps': 1,
  'generator.draws': 2,
  'mle.eval_every': 0,
  'adversarial.eval_every': 2,
  'eval.samples': 40,
  'eval.final_samples': MEASURED,
  'eval.chunk': BATCH,
  'eval.curve_samples': 0,
  'chunk_seconds': 0.001,
  'checkpoint.every': 0,
}


def call(program, *argv):
  """Returns exit code, stdout and stderr of a program run in this process."""
  out, err = io.StringIO(), io.StringIO()
  with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
    code = program.main(list(map(str, argv)))
  return code, out.getvalue(), err.getvalue()


def lines(program, *argv):
  """Returns the output lines of a program, which must succeed."""
  code, out, err = call(program, *argv)
  assert code == 0, err
  return out.splitlines()


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """Trains a run with two seeds, latent noise and a discriminator."""
  path = tmp_path_factory.mktemp('runs')
  rng = random.Random(0)
  parts = ('a', 'the'), ('man', 'dog', 'red car'), ('runs', 'sees a man', '')
  text = [' '.join(map(rng.choice, parts)) + ' .' for _ in range(90)]
  (path / 'text.txt').write_text('\n'.join(text) + '\n')
  settings = SETTINGS | {'data.path': path / 'text.txt'}
  argv = [f'--config.{key}={value}' for key, value in settings.items()]
  config = '--config=textgan:text'
  out = io.StringIO()
  with contextlib.redirect_stdout(out):
    code = train.main([config, *argv, f'--workdir={path / "run"}'])
  assert code == 0
  return path / 'run'


@pytest.fixture(scope='module')
def run(folder):
  """Loads the second seed of that run."""
  return trained.load(folder, seed_index=1, chunk=BATCH)


@pytest.fixture(scope='module')
def generator(folder):
  """Exports the second seed."""
  path = folder.parent / 'generator'
  said = lines(export, '--workdir', folder, '--member', 1, '-o', path)
  assert len(said) == 1 and f'step {END}' in said[0]
  return path


@pytest.fixture
def damaged(folder, generator, tmp_path):
  """Copies the run and the export, so that tests may change them."""
  shutil.copytree(folder, tmp_path / 'run')
  shutil.copytree(generator, tmp_path / 'generator')
  return tmp_path


# --- sample ----------------------------------------------------------------


def test_samples_do_not_depend_on_the_batch_size(folder, run):
  text = run.sample(90, seed=3)
  assert len(text) == 90 and len(set(text)) > 20
  same = ('--workdir', folder, '--member', 1, '--seed', 3)
  code, out, err = call(sample, *same, '-n', 90, '--batch', 7)
  assert code == 0 and out.splitlines() == text
  assert err == f'{folder}, step {END}, member 1\n'
  assert run.sample(5, seed=3) == text[:5] != run.sample(5, seed=4)
  assert lines(sample, '--workdir', folder, '--seed', 3, '-n', 5) != text[:5]


def test_to_a_file(folder, run, tmp_path):
  target = tmp_path / 'out.txt'
  options = ('--workdir', folder, '--member', 1, '-n', 5, '-o', target)
  assert lines(sample, *options) == []
  assert target.read_text() == ''.join(f'{line}\n' for line in run.sample(5))
  assert [p.name for p in tmp_path.iterdir()] == ['out.txt']


def test_samples_are_those_of_training(folder, run):
  """Samples with the key of training equal the samples of training."""
  state = run.state
  key = keys.use_key(state.key, state.step, keys.EVALUATE)
  tokens = jax.jit(run.program)(
    state,
    jax.random.key_data(key),
    0,
    np.full((BATCH, run.corpus.length), sampler.FREE),
    1.0,
    0,
    1.0,
  )
  written = folder / f'samples/adversarial-seed1-{END}.txt'
  then = written.read_text().splitlines()
  assert len(then) == MEASURED
  assert run.corpus.text(tokens) == then[:BATCH]


def test_word_frequencies_match_those_of_training(folder, run):
  """Compares word frequencies under another seed within sampling error."""
  written = folder / f'samples/adversarial-seed1-{END}.txt'
  then = [line.split() for line in written.read_text().splitlines()]
  n = 2000
  now = [line.split() for line in run.sample(n, seed=9)]
  for word in run.corpus.vocabulary[1:]:
    before = np.mean([word in sentence for sentence in then])
    after = np.mean([word in sentence for sentence in now])
    error = np.sqrt(after * (1 - after) * (1 / n + 1 / MEASURED)) + 1e-9
    assert abs(before - after) < 4 * error, word


def test_settings_of_a_sample(run):
  greedy = run.sample(40, top_k=1)
  assert greedy == run.sample(40, top_p=1e-6)
  assert greedy == run.sample(40, temperature=1e-5)
  assert greedy == run.sample(40, temperature=1.2e-38)
  plain = run.sample(40)
  assert plain == run.sample(40, top_k=1000)
  assert len(set(greedy)) < len(set(plain))
  distinct = [len(set(run.sample(200, temperature=t))) for t in (0.3, 3)]
  assert distinct[0] < distinct[1]
  begun = run.sample(40, prefix='the red')
  assert all(line.startswith('the red') for line in begun)
  assert len(set(begun)) > 5
  # The noise of the free words is that of the same rows.
  start = plain[0].rpartition(' ')[0]
  assert run.sample(1, prefix=start) == plain[:1]


def test_distinct_and_novel(folder, run):
  known = trained.training_text(folder)
  assert 'the dog sees a man .' in known and len(known) < 90
  text = run.sample(1000)
  assert set(text) & known
  options = ('--workdir', folder, '--member', 1, '-n', 30)
  unique = list(dict.fromkeys(text))
  assert lines(sample, *options, '--distinct') == unique[:30]
  novel = [line for line in text if line not in known]
  assert lines(sample, *options, '--novel') == novel[:30]
  both = [line for line in unique if line not in known]
  assert lines(sample, *options, '--novel', '--distinct') == both[:30]


def test_fewer_than_asked_for(folder, run):
  code, out, err = call(
    sample,
    *('--workdir', folder, '--member', 1, '-n', 40, '--top-k', 1),
    '--distinct',
  )
  found = list(dict.fromkeys(run.sample(1000, top_k=1)))
  assert code == 1 and out.splitlines() == found and len(found) < 40
  assert f'only {len(found)} of 40 sentences: among 1,000 drawn' in err


def test_checkpoints(folder):
  for step in (PRETRAINED, END - 1, 'best'):
    one = trained.load(folder, checkpoint=step, seed_index=1)
    best = json.loads(
      next(folder.glob('checkpoints/best-*/manifest.json')).read_text()
    )['meta']['steps']
    assert one.step == (best[1] if step == 'best' else step)
    assert len(one.sample(2)) == 2


def test_package_level_load(folder):
  one = moegan_jax.load(folder, 'best')
  assert one.sample(0) == []
  assert one.sample(2, prefix='a')[0].startswith('a ')


@pytest.mark.parametrize('source', ['--workdir', '--exported'])
def test_compiled_programs_are_cached(
  folder, generator, source, tmp_path, monkeypatch
):
  before = jax.config.jax_compilation_cache_dir
  monkeypatch.setenv('MOEGAN_CACHE_DIR', str(tmp_path))
  path = {'--workdir': folder, '--exported': generator}[source]
  lines(sample, source, path, '-n', 3, '--batch', 3)
  assert list(tmp_path.glob('xla/jit_*'))
  jax.config.update('jax_compilation_cache_dir', before)


def test_written_sentences_are_read_as_the_same_tokens(run):
  key = np.array([0, 0], np.uint32)
  free = np.full((BATCH, run.corpus.length), sampler.FREE)
  tokens = jax.jit(run.program)(run.state, key, 0, free, 1.0, 0, 1.0)
  text = run.corpus.text(tokens)
  ended = np.cumsum(np.asarray(tokens) == run.corpus.pad, axis=1) > 0
  written = np.where(ended, run.corpus.pad, tokens)
  np.testing.assert_array_equal(run.encode(text), written)
  begun = run.sample(3, prefix=text[0].rpartition(' ')[0])
  assert begun[0] == text[0]


def test_from_another_working_directory(damaged, folder, run, monkeypatch):
  """Finds the text of a run with a relative path, also after a move."""
  path, text = damaged / 'run', folder.parent / 'text.txt'
  config = json.loads((path / 'config.json').read_text())
  config['data']['path'] = 'text.txt'
  (path / 'config.json').write_text(json.dumps(config))
  monkeypatch.chdir(damaged)
  options = ('--workdir', path, '--member', 1, '-n', 30, '--novel')
  known = trained.training_text(folder)
  novel = [line for line in run.sample(1000) if line not in known][:30]
  assert lines(sample, *options) == novel
  recorded = json.loads((path / 'corpus.json').read_text())
  assert recorded['record']['paths'] == {'train': str(text)}
  recorded['record']['paths']['train'] = '/gone/text.txt'
  (path / 'corpus.json').write_text(json.dumps(recorded))
  check_refused(sample, list(options), '/gone/text.txt, the text of')
  for place in (folder.parent, text):
    assert lines(sample, *options, '--texts', place) == novel
  other = damaged / 'other.txt'
  other.write_text(text.read_text().replace('dog', 'cat'))
  refused = [*options, '--texts', other]
  check_refused(sample, refused, 'has changed since')


def test_paths_at_home(folder, run, monkeypatch):
  monkeypatch.setenv('HOME', str(folder.parent))
  options = ('--workdir=~/run', '--member=1', '-n', 5, '--output=~/at-home.txt')
  assert lines(sample, *options) == []
  written = folder.parent / 'at-home.txt'
  assert written.read_text().splitlines() == run.sample(5)
  assert lines(info, '~/run')


# --- export ----------------------------------------------------------------


def test_an_export_gives_the_same_samples(folder, generator):
  style = ('--seed', 5, '-n', 70, '--temperature', 0.7, '--top-k', 4)
  style += ('--nucleus', 0.9, '--prefix', 'the')
  own = lines(sample, '--workdir', folder, '--member', 1, *style)
  assert lines(sample, '--exported', generator, *style) == own
  assert lines(sample, '--exported', generator, *style, '--batch', 9) == own
  unlike = lines(sample, '--exported', generator, '-n', 70, '--distinct')
  assert len(set(unlike)) == 70 and unlike != own


def test_contents_of_an_export(generator, run):
  about = json.loads((generator / 'generator.json').read_text())
  assert tuple(about['vocabulary']) == run.corpus.vocabulary
  assert about['origin']['member'] == 1 and about['origin']['step'] == END
  weights = safetensors.numpy.load_file(generator / 'weights.safetensors')
  assert all(name.startswith('players/generator/params') for name in weights)
  own = jax.tree.leaves(run.state.players['generator'].params)
  assert len(weights) == len(own)
  program = jax_export.deserialize(
    bytearray((generator / 'program.stablehlo').read_bytes())
  )
  assert set(program.platforms) == {'cpu', 'cuda'}
  # No calls of platform-specific libraries.
  calls = set(re.findall(r'custom_call @(\w+)', program.mlir_module()))
  assert calls <= {'shape_assertion'}
  # The program does not contain the weights.
  size = (generator / 'program.stablehlo').stat().st_size
  assert size < 100_000


@pytest.mark.parametrize('codec', ['whitespace', 'bpe'])
def test_the_loader_example(damaged, codec, tmp_path):
  text = (ROOT / 'examples/load_exported.py').read_text(encoding='utf-8')
  loader = text.split('"""\n', 1)[1].strip()  # after the docstring
  assert len(loader.splitlines()) <= 32
  assert set(re.findall(r'^import (\w+)', loader, re.MULTILINE)) == {
    'jax',
    'json',
    'numpy',
    'sys',
  }
  (tmp_path / 'loader.py').write_text(loader)
  path = tmp_path / 'generator'
  if codec == 'bpe':  # replace the words by parts of characters
    about = json.loads((path / 'generator.json').read_text())
    fitted = bpe.fit(['床前明月光'], 257)
    symbols = fitted.split('床前明月光 é 😀' * 9)[: about['vocab_size']]
    changed = {'codec': 'bpe', 'codec_model': fitted.model, 'separator': ''}
    changed |= {'vocabulary': ['', *symbols[1:]], 'bytes': bpe.byte_of()}
    (path / 'generator.json').write_text(json.dumps(about | changed))
  done = subprocess.run(
    [sys.executable, 'loader.py', str(path), '20', '7'],
    cwd=tmp_path,  # where our package is not
    capture_output=True,
    encoding='utf-8',
  )
  assert done.returncode == 0, done.stderr
  own = lines(sample, '--exported', path, '--seed', 7, '-n', 20)
  assert done.stdout.splitlines() == own


# --- info ------------------------------------------------------------------


def test_info_of_a_finished_run(folder):
  text = '\n'.join(lines(info, folder))
  for said in (
    'textgan on text, 2 seeds',
    f'finished, {END} steps',
    f'pretrain, {PRETRAINED} of {PRETRAINED} steps',
    'adversarial, 4 of 4 steps',
    f'phase: steps {PRETRAINED}, {END}',
    'nll_valid',
    'MLE; textgan, last',
    '6 files in samples/',
    'cell=lstm',
    'whitespace tokens',
  ):
    assert said in text, said
  assert max(map(len, text.splitlines())) <= 120
  facts = json.loads('\n'.join(lines(info, folder, '--json')))
  assert facts['finished'] and facts['step'] == facts['steps'] == END
  assert facts['checkpoints']['last'][-1] == END
  assert facts['config']['generator']['latent'] == 4
  size = sum(p.stat().st_size for p in folder.rglob('*') if p.is_file())
  assert facts['bytes']['all'] == size > facts['bytes']['checkpoints'] > 0


def test_info_of_an_unfinished_run(damaged):
  path = damaged / 'run'
  (path / 'results.json').unlink()
  assert 'trained, not measured' in '\n'.join(lines(info, path))
  for name in (f'last-{END}', f'phase-{END}'):
    shutil.rmtree(path / 'checkpoints' / name)
  text = '\n'.join(lines(info, path))
  assert f'step {END - 1} of {END}' in text and '3 of 4 steps' in text
  shutil.rmtree(path / 'checkpoints')
  text = '\n'.join(lines(info, path))
  assert f'nothing trained yet, {END} steps to go' in text
  assert 'best ' not in text


# --- bad input -------------------------------------------------------------


@pytest.mark.parametrize(
  ('argv', 'said'),
  [
    ('sample', 'one of the arguments --workdir --exported is required'),
    ('sample --workdir nowhere', 'nowhere is no run'),
    ('sample --workdir {run}/samples', 'is no run: it has no config.json'),
    ('sample --workdir {run} --exported {generator}', 'not allowed with'),
    ('sample --workdir {run} -n 0', '-n 0: must be at least 1'),
    ('sample --workdir {run} -n x', 'invalid int'),
    ('sample --workdir {run} --batch 0', '--batch 0'),
    ('sample --workdir {run} --temperature 0', 'temperature=0'),
    ('sample --workdir {run} --temperature 1e-46', 'temperature=1e-46'),
    ('sample --workdir {run} --temperature 1e39', 'temperature=1e+39'),
    ('sample --workdir {run} --temperature nan', 'temperature=nan'),
    ('sample --workdir {run} --top-k -1', 'top_k=-1'),
    ('sample --workdir {run} --nucleus 1.5', 'top_p=1.5'),
    ('sample --workdir {run} --seed -1', 'seed=-1'),
    ('sample --workdir {run} --prefix zebra', 'vocabulary of this generator'),
    ('sample --workdir {run} --prefix a_a_a_a_a_a_a_a', 'has 8 tokens'),
    ('sample --workdir {run} --member 2', 'has 2 seeds'),
    ('sample --workdir {run} --checkpoint 5', 'steps 24, 26, 27, 28'),
    ('sample --workdir {run} --checkpoint lats', "did you mean 'last'"),
    ('sample --workdir {run} -o nowhere/x.txt', '--output=nowhere/x.txt'),
    ('sample --workdir {run} --temprature 1', '--temprature'),
    ('sample --workdir {run} --texts x', '--texts has no effect'),
    ('sample --exported nowhere', 'nowhere is no exported generator'),
    ('sample --exported {generator} --novel', 'needs the training text'),
    ('sample --exported {generator} --member 1', 'go with --workdir'),
    ('export --workdir {run}', 'required: -o'),
    ('export --workdir {run} -o {run}/config.json', 'config.json'),
    ('export --workdir {run} -o x --checkpoint 5', "no checkpoint '5'"),
    ('export --workdir {run} -o {run}/config.json', 'name a folder'),
    ('info', 'required: RUN'),
    ('info nowhere', 'nowhere is no run'),
  ],
)
def test_bad_input(argv, said, folder, generator, tmp_path, monkeypatch):
  monkeypatch.chdir(tmp_path)
  name, *argv = argv.format(run=folder, generator=generator).split()
  program = {'sample': sample, 'export': export, 'info': info}[name]
  check_refused(program, [a.replace('_a', ' a') for a in argv], said)
  assert not list(tmp_path.iterdir())


def check_refused(program, argv, said):
  code, out, err = call(program, *argv)
  assert code == 2 and not out, err
  assert err.startswith('error: ') and said in err
  assert err.count('\n') == 1, err


def test_damaged_exports(damaged):
  path = damaged / 'generator'
  about = json.loads((path / 'generator.json').read_text())
  for name in ('weights.safetensors', 'program.stablehlo'):
    whole = (path / name).read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for content in (flipped, whole[:100], b''):
      (path / name).write_bytes(content)
      check_refused(sample, ['--exported', path], f'{name} is damaged')
    (path / name).unlink()
    check_refused(sample, ['--exported', path], f'cannot read {path / name}')
    (path / name).write_bytes(whole)
  del about['vocabulary']
  for content in (json.dumps(about), '{'):
    (path / 'generator.json').write_text(content)
    check_refused(sample, ['--exported', path], 'generator.json')


def test_damaged_runs(damaged):
  path = damaged / 'run'
  text = json.loads((path / 'config.json').read_text())['data']['path']
  other = damaged / 'other.txt'
  other.write_text(pathlib.Path(text).read_text().replace('dog', 'cat'))
  config = (path / 'config.json').read_text().replace(text, str(other))
  (path / 'config.json').write_text(config)
  check_refused(sample, ['--workdir', path, '--novel'], 'has changed since')
  array = next(
    p for p in path.glob(f'checkpoints/last-{END}/state/**/*') if p.is_file()
  )
  array.write_bytes(b'')
  code, out, err = call(sample, '--workdir', path, '-n', 2)
  assert code == 0 and len(out.splitlines()) == 2
  assert f'last-{END} is damaged' in err and f'step {END - 1}' in err
  shutil.rmtree(path / 'checkpoints')
  check_refused(sample, ['--workdir', path], 'existing: none so far')
  (path / 'corpus.json').write_text('{}')
  check_refused(info, [path], 'lacks')


def test_help_does_not_wait_for_jax():
  code = (
    'import sys; from moegan_jax.cli import export, info, sample\n'
    'for program in (export, info, sample):\n'
    '  try: program.main(["--help"])\n'
    '  except SystemExit as end: assert not end.code\n'
    'assert sample.main(["--wrong"]) == 2\n'
    'assert not {"numpy", "jax"} & set(sys.modules)\n'
  )
  done = subprocess.run(
    [sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True
  )
  assert done.returncode == 0, done.stderr
  assert '--nucleus' in done.stdout
