"""Reading word vectors, and generators with a frozen part of the embedding."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from moegan_jax import decode, systems
from moegan_jax.config import compose, override
from moegan_jax.errors import UserError
from moegan_jax.nets.word_vectors import word_vectors
from moegan_jax.types import Batch, Spec

V, T, W = 5, 4, 2
WORDS = ('', 'a', 'of', '. .', 'yes')
LINES = ('a 1 2.5', 'the 0 0', '. . -1 4', 'yes 3 -2e-1', 'a 9 9')
SPEC = Spec(V, T, 20, 0, WORDS)


def write(folder, *lines):
  path = folder / 'vectors.txt'
  path.write_text('\n'.join(lines) + '\n', encoding='utf-8')
  return str(path)


@pytest.mark.parametrize('header', [(), ('5 2',)])
def test_vectors_are_in_the_order_of_the_vocabulary(tmp_path, header):
  path = write(tmp_path, *header, *LINES)
  read = word_vectors(path, W, WORDS, V)
  np.testing.assert_array_equal(read.found, [False, True, False, True, True])
  want = np.float32([[0, 0], [1, 2.5], [0, 0], [-1, 4], [3, -0.2]])
  np.testing.assert_array_equal(read.values, want)
  assert read.note(path) == f'3 of 5 words are in {path}'
  table = np.asarray(read.init(jax.random.key(0)))
  assert table.shape == (V + 2, W)
  np.testing.assert_array_equal(table[[1, 3, 4]], want[[1, 3, 4]])
  again = np.asarray(read.init(jax.random.key(1)))
  others = [x[[0, 2, 5, 6]] for x in (table, again)]
  assert len(set(np.ravel(others).tolist())) == 16


def test_missing_words_have_the_deviation_of_the_others(tmp_path):
  rng = np.random.RandomState(0)
  words = ('', *(f'w{i}' for i in range(3999)))
  rows = 0.3 * rng.randn(2000, W)
  lines = [f'{w} {a:.6f} {b:.6f}' for w, (a, b) in zip(words[1:], rows)]
  read = word_vectors(write(tmp_path, *lines), W, words, len(words))
  table = np.asarray(read.init(jax.random.key(0)))
  missing = table[2001:]
  assert abs(missing.std() - rows.std()) < 0.02 and abs(missing.mean()) < 0.02


BAD = {
  'short': (('a 1 2', 'of 1'), ['1 numbers in line 2', 'repair']),
  'long': (('a 1 2', 'of 1 2 3'), ['3 numbers in line 2', 'repair']),
  'blank': (('a 1 2', '', 'of 1 2'), ['line 2', 'repair']),
  'word': (('a 1 2', 'of 1 x'), ['line 2', 'finite number', 'repair']),
  'nan': (('a 1 2', 'of nan 1'), ['line 2', 'finite number', 'repair']),
  'huge': (('a 1 2', 'of 1e99 1'), ['line 2', 'finite number', 'repair']),
  'size': (('a 1 2 3', 'of 1 2 3'), ['line 1', 'generator.vector_size=3']),
  'strange': (('der 1 2', 'die 1 2'), ['no word of the corpus']),
}


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('name', BAD)
def test_a_bad_file_is_one_line_that_names_it(tmp_path, name):
  lines, words = BAD[name]
  path = write(tmp_path, *lines)
  assert_named(path, WORDS, W, [path, *words])


def assert_named(path, words, size, expected):
  with pytest.raises(UserError) as raised:
    word_vectors(path, size, words, V)
  text = str(raised.value)
  assert '\n' not in text
  for word in ('generator.', *expected):
    assert word in text


def test_a_missing_file_or_corpus_is_named(tmp_path):
  path = str(tmp_path / 'none.txt')
  assert_named(path, WORDS, W, [path, 'No such file', 'name a text file'])
  assert_named(str(tmp_path), WORDS, W, [str(tmp_path), 'name a text file'])
  path = write(tmp_path, *LINES)
  assert_named(path, (), W, ['no word of the corpus'])  # ids without words
  assert_named(path, WORDS, 0, ['vector_size=0'])


def config(path, **more):
  c = override(compose('mle'), {'generator.cell': 'lstm'})
  c = override(c, {'generator.embeddings': path, 'mle.epochs': 1})
  changes = {'vector_size': W, 'embed': 3, 'hidden': 4} | more
  c = override(c, {f'generator.{k}': v for k, v in changes.items()})
  return override(c, {'mle.batch': 4})


@pytest.mark.parametrize('output', ['own', 'tied'])
@pytest.mark.parametrize('experts', [1, 2])
def test_frozen_columns_are_used_and_never_change(tmp_path, output, experts):
  path = write(tmp_path, *LINES)
  c = override(config(path), {'generator.experts': experts})
  c = override(c, {'generator.output': output})
  system = systems.build(c, SPEC)
  assert system.notes == (f'3 of 5 words are in {path}',)
  state = jax.jit(system.init)(jax.random.key(0))
  tokens = jnp.asarray([[1, 2, 3, 0]] * 4, jnp.int32)
  before = state.players['generator'].params
  np.testing.assert_array_equal(before['frozen'][1], [1, 2.5])
  update = jax.jit(system.phases['pretrain'].update.apply)
  for i in range(3):
    state, _ = update(state, Batch(tokens[None]), jax.random.key(i))
  after = state.players['generator'].params
  np.testing.assert_array_equal(before['frozen'], after['frozen'])
  assert (before['embed'] != after['embed']).any()
  other = after | {'frozen': after['frozen'] + 1}
  players = {'generator': state.players['generator'].replace(params=other)}
  changed = system.logits(state.replace(players=players), tokens)
  assert (changed != system.logits(state, tokens)).any()
  # Adam's moments of the frozen block stay zero, too.
  moments = optax.tree_utils.tree_get(
    state.players['generator'].opt_state, 'mu'
  )
  assert not moments['frozen'].any() and moments['embed'].any()


def test_a_restored_generator_needs_no_file(tmp_path):
  path = write(tmp_path, *LINES)
  system = systems.build(config(path), SPEC)
  shapes = jax.eval_shape(system.init, jax.random.key(0))
  restored = systems.build(
    config(str(tmp_path / 'moved.txt')), SPEC._replace(words=None)
  )
  again = jax.eval_shape(restored.init, jax.random.key(0))
  assert jax.tree.structure(again) == jax.tree.structure(shapes)
  assert jax.tree.leaves(again) == jax.tree.leaves(shapes)


@pytest.mark.parametrize('frozen', [False, True])
def test_tied_readout_equals_the_loop(tmp_path, frozen):
  path = write(tmp_path, *LINES) if frozen else ''
  c = override(compose('mle'), {'generator.cell': 'lstm'})
  c = override(c, {'generator.embeddings': path, 'generator.output': 'tied'})
  if frozen:
    c = override(c, {'generator.vector_size': W})
  c = override(c, {'generator.embed': 3, 'generator.hidden': 4})
  gen = systems.networks.generator(SPEC, **c.generator)
  rng = np.random.RandomState(1)
  params = jax.tree.map(
    lambda x: jnp.asarray(rng.randn(*x.shape), x.dtype),
    jax.eval_shape(gen.init, jax.random.key(0)),
  )
  p = jax.tree.map(lambda x: np.asarray(x, np.float64), params)
  table = p['embed']
  if frozen:
    table = np.concatenate([p['frozen'], table], axis=1)
  hidden = rng.randn(2, 3, 4).astype(np.float32)
  got = gen.readout(params, jnp.asarray(hidden))
  assert got.shape == (2, 3, V)
  for n in range(2):
    for t in range(3):
      u = hidden[n, t] @ p['head']['kernel']
      for v in range(V):
        want = u @ table[v] + p['head']['bias'][v]
        np.testing.assert_allclose(got[n, t, v], want, rtol=1e-4, atol=1e-5)
  # Tokens equal one-hot rows, the end symbol included.
  tokens = jnp.arange(V, dtype=jnp.int32)
  ids = gen.embed(params, tokens)
  np.testing.assert_allclose(
    ids, gen.embed(params, jax.nn.one_hot(tokens, V)), rtol=1e-6
  )
  np.testing.assert_allclose(ids[1:], table[1:V], rtol=1e-6)
  assert not ids[0].any()
  logits = decode.teacher_force(gen, params, jnp.zeros((2, T), jnp.int32))
  assert logits.shape == (2, T, V)
