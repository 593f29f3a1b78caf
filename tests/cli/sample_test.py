"""Samples of a trained run by `sample` and `moegan_jax.load`."""

import json

import jax
import numpy as np
import pytest
from command_line import assert_refused, call, lines
from textgan_run import BATCH, END, MEASURED, PRETRAINED

import moegan_jax
from moegan_jax import sampler, trained
from moegan_jax.cli import info, sample
from moegan_jax.train import keys

pytestmark = pytest.mark.usefixtures('own_cache')


def test_samples_do_not_depend_on_the_batch_size(run_folder, loaded):
  text = loaded.sample(90, seed=3)
  assert len(text) == 90 and len(set(text)) > 20
  same = ('--workdir', run_folder, '--member', 1, '--seed', 3)
  code, out, err = call(sample, *same, '-n', 90, '--batch', 7)
  assert code == 0 and out.splitlines() == text
  assert err == f'{run_folder}, step {END}, member 1\n'
  assert loaded.sample(5, seed=3) == text[:5] != loaded.sample(5, seed=4)
  assert (
    lines(sample, '--workdir', run_folder, '--seed', 3, '-n', 5) != text[:5]
  )


def test_output_flag_writes_a_file(run_folder, loaded, tmp_path):
  target = tmp_path / 'out.txt'
  options = ('--workdir', run_folder, '--member', 1, '-n', 5, '-o', target)
  assert lines(sample, *options) == []
  assert target.read_text() == ''.join(f'{line}\n' for line in loaded.sample(5))
  assert [p.name for p in tmp_path.iterdir()] == ['out.txt']


def test_samples_equal_those_written_in_training(run_folder, loaded):
  """Samples with the key of training equal the samples of training."""
  state = loaded.state
  key = keys.use_key(state.key, state.step, keys.EVALUATE)
  tokens = jax.jit(loaded.program)(
    state,
    jax.random.key_data(key),
    0,
    np.full((BATCH, loaded.corpus.length), sampler.FREE),
    1.0,
    0,
    1.0,
  )
  written = run_folder / f'samples/adversarial-seed1-{END}.txt'
  then = written.read_text().splitlines()
  assert len(then) == MEASURED
  assert loaded.corpus.text(tokens) == then[:BATCH]


def test_word_frequencies_match_those_of_training(run_folder, loaded):
  """Compares word frequencies under another seed within sampling error."""
  written = run_folder / f'samples/adversarial-seed1-{END}.txt'
  then = [line.split() for line in written.read_text().splitlines()]
  n = 2000
  now = [line.split() for line in loaded.sample(n, seed=9)]
  for word in loaded.corpus.vocabulary[1:]:
    before = np.mean([word in sentence for sentence in then])
    after = np.mean([word in sentence for sentence in now])
    error = np.sqrt(after * (1 - after) * (1 / n + 1 / MEASURED)) + 1e-9
    assert abs(before - after) < 4 * error, word


def test_sampling_settings_change_the_samples(loaded):
  greedy = loaded.sample(40, top_k=1)
  assert greedy == loaded.sample(40, top_p=1e-6)
  assert greedy == loaded.sample(40, temperature=1e-5)
  assert greedy == loaded.sample(40, temperature=1.2e-38)
  plain = loaded.sample(40)
  assert plain == loaded.sample(40, top_k=1000)
  assert len(set(greedy)) < len(set(plain))
  distinct = [len(set(loaded.sample(200, temperature=t))) for t in (0.3, 3)]
  assert distinct[0] < distinct[1]
  begun = loaded.sample(40, prefix='the red')
  assert all(line.startswith('the red') for line in begun)
  assert len(set(begun)) > 5
  # The words after a prefix are drawn with the same noise.
  start = plain[0].rpartition(' ')[0]
  assert loaded.sample(1, prefix=start) == plain[:1]


def test_distinct_and_novel_filter_the_same_samples(run_folder, loaded):
  known = trained.training_text(run_folder)
  assert 'the dog sees a man .' in known and len(known) < 90
  text = loaded.sample(1000)
  assert set(text) & known
  options = ('--workdir', run_folder, '--member', 1, '-n', 30)
  unique = list(dict.fromkeys(text))
  assert lines(sample, *options, '--distinct') == unique[:30]
  novel = [line for line in text if line not in known]
  assert lines(sample, *options, '--novel') == novel[:30]
  both = [line for line in unique if line not in known]
  assert lines(sample, *options, '--novel', '--distinct') == both[:30]


def test_too_few_distinct_samples_exit_with_one(run_folder, loaded):
  code, out, err = call(
    sample,
    *('--workdir', run_folder, '--member', 1, '-n', 40, '--top-k', 1),
    '--distinct',
  )
  found = list(dict.fromkeys(loaded.sample(1000, top_k=1)))
  assert code == 1 and out.splitlines() == found and len(found) < 40
  assert f'only {len(found)} of 40 sentences: among 1,000 drawn' in err


def test_checkpoints_are_selected_by_step_or_kind(run_folder):
  for step in (PRETRAINED, END - 1, 'best'):
    one = trained.load(run_folder, checkpoint=step, seed_index=1)
    best = json.loads(
      next(run_folder.glob('checkpoints/best-*/manifest.json')).read_text()
    )['meta']['steps']
    assert one.step == (best[1] if step == 'best' else step)
    assert len(one.sample(2)) == 2


def test_load_is_exported_by_the_package(run_folder):
  one = moegan_jax.load(run_folder, 'best')
  assert one.sample(0) == []
  assert one.sample(2, prefix='a')[0].startswith('a ')


@pytest.mark.parametrize('source', ['--workdir', '--exported'])
def test_compiled_programs_are_cached(
  run_folder, exported_folder, source, tmp_path, monkeypatch
):
  before = jax.config.jax_compilation_cache_dir
  monkeypatch.setenv('MOEGAN_CACHE_DIR', str(tmp_path))
  path = {'--workdir': run_folder, '--exported': exported_folder}[source]
  lines(sample, source, path, '-n', 3, '--batch', 3)
  assert list(tmp_path.glob('xla/jit_*'))
  jax.config.update('jax_compilation_cache_dir', before)


def test_written_sentences_are_read_as_the_same_tokens(loaded):
  key = np.array([0, 0], np.uint32)
  free = np.full((BATCH, loaded.corpus.length), sampler.FREE)
  tokens = jax.jit(loaded.program)(loaded.state, key, 0, free, 1.0, 0, 1.0)
  text = loaded.corpus.text(tokens)
  ended = np.cumsum(np.asarray(tokens) == loaded.corpus.pad, axis=1) > 0
  written = np.where(ended, loaded.corpus.pad, tokens)
  np.testing.assert_array_equal(loaded.encode(text), written)
  begun = loaded.sample(3, prefix=text[0].rpartition(' ')[0])
  assert begun[0] == text[0]


def test_training_text_is_found_after_a_move(
  copies, run_folder, loaded, monkeypatch
):
  """Finds the text of a run with a relative path, also after a move."""
  path, text = copies / 'run', run_folder.parent / 'text.txt'
  config = json.loads((path / 'config.json').read_text())
  config['data']['path'] = 'text.txt'
  (path / 'config.json').write_text(json.dumps(config))
  monkeypatch.chdir(copies)
  options = ('--workdir', path, '--member', 1, '-n', 30, '--novel')
  known = trained.training_text(run_folder)
  novel = [line for line in loaded.sample(1000) if line not in known][:30]
  assert lines(sample, *options) == novel
  recorded = json.loads((path / 'corpus.json').read_text())
  assert recorded['record']['paths'] == {'train': str(text)}
  recorded['record']['paths']['train'] = '/gone/text.txt'
  (path / 'corpus.json').write_text(json.dumps(recorded))
  assert_refused(sample, list(options), '/gone/text.txt, the text of')
  for place in (run_folder.parent, text):
    assert lines(sample, *options, '--texts', place) == novel
  other = copies / 'other.txt'
  other.write_text(text.read_text().replace('dog', 'cat'))
  refused = [*options, '--texts', other]
  assert_refused(sample, refused, 'has changed since')


def test_tilde_stands_for_the_home_directory(run_folder, loaded, monkeypatch):
  monkeypatch.setenv('HOME', str(run_folder.parent))
  options = ('--workdir=~/run', '--member=1', '-n', 5, '--output=~/at-home.txt')
  assert lines(sample, *options) == []
  written = run_folder.parent / 'at-home.txt'
  assert written.read_text().splitlines() == loaded.sample(5)
  assert lines(info, '~/run')
