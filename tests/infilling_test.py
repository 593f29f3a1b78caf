"""Filled templates against the enumerated distribution of a toy generator."""

import collections
import functools
import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
import trees
from command_line import call

from moegan_jax import infilling, systems, templates, trained
from moegan_jax.cli import infill
from moegan_jax.data.codecs import get_codec
from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError
from moegan_jax.types import Spec

pytestmark = pytest.mark.usefixtures('quick_compilation', 'no_key_checks')
WORDS = 'abc'
T, M = 4, 20_000


def corpus(pad):
  """Returns a corpus without sentences, of the words a, b and c."""
  nothing = np.zeros((0, T), np.int32)
  vocabulary = ('', *WORDS) if pad == 0 else tuple(WORDS)
  return Corpus(
    name='toy',
    train=nothing,
    valid=nothing,
    test=nothing,
    vocab_size=len(vocabulary),
    pad=pad,
    codec=get_codec('whitespace'),
    record={},
    vocabulary=vocabulary,
  )


@functools.cache
def generator(pad):
  """Returns an Infiller, and text -> probability."""
  known = corpus(pad)
  spec = Spec(known.vocab_size, T, 20, pad)
  system = systems.build(toys.settings('mle', mle__batch=4), spec)
  state = system.init(jax.random.key(0))
  state = state.replace(players=trees.noisy(state.players))
  rows = [*itertools.product(range(known.vocab_size), repeat=T)]
  rows = jnp.asarray(rows, jnp.int32)
  each = jax.nn.log_softmax(jax.jit(system.logits)(state, rows))
  each = jnp.take_along_axis(each, rows[..., None], axis=-1)[..., 0].sum(1)
  found = collections.Counter()
  for text, log_p in zip(known.text(np.asarray(rows)), np.asarray(each)):
    found[text] += float(np.exp(log_p))
  return infilling.Infiller(system, state, known, chunk=M), found


def pattern(template):
  """Returns the regular expression of a template, in words and blanks."""
  made = []
  for piece in template.split():
    fixed = re.fullmatch(r'_(\d+)_', piece)
    count = fixed[1] if fixed else '1,'
    made.append(rf'( \w){{{count}}}' if '_' in piece else f' {piece}')
  return ''.join(made)


@pytest.mark.parametrize(
  'pad,template',
  [
    (0, 'a ___'),
    (0, '___ b'),
    (0, '___ b ___'),
    (0, '_2_ c'),
    (0, '_1_ c ___'),
    (0, 'a ___ b'),
    (None, 'b ___'),
    (None, '___ a ___'),
    (None, '_1_ c _2_'),
  ],
)
def test_weights_give_the_distribution_of_matching_text(pad, template):
  infiller, found = generator(pad)
  matching = {
    text: p
    for text, p in found.items()
    if re.fullmatch(pattern(template), ' ' + text)
  }
  whole = sum(matching.values())
  parts = templates.parse(template, corpus(pad))
  tokens, weights = infiller.weighted(
    parts, M, 1.0, jax.random.key(0), np.random.default_rng(0)
  )
  assert weights.sum() == pytest.approx(1)
  got = collections.Counter()
  for text, weight in zip(corpus(pad).text(tokens), weights):
    if weight:
      got[text] += weight
  assert set(got) <= set(matching)
  error = np.sqrt(np.square(weights).sum())  # of a share, at most
  for text, p in matching.items():
    assert abs(got[text] - p / whole) < 4 * error, text
  assert 4 * error < 0.1


def test_text_depends_on_the_seed_and_its_index_only():
  infiller, _ = generator(0)
  options = {'seed': 3, 'candidates': 50}
  one = [x.text for x in infiller.fill('a ___', 1, **options)]
  many = [x.text for x in infiller.fill('a ___', 6, **options)]
  assert many[:1] == one and len(set(many)) > 1
  assert all(text.startswith('a ') for text in many)
  other = [x.text for x in infiller.fill('a ___', 6, seed=4, candidates=50)]
  assert other != many


def test_low_temperature_fills_in_the_likeliest_words():
  infiller, found = generator(None)
  best = max((p, t) for t, p in found.items() if t.startswith('b '))[1]
  texts = {x.text for x in infiller.fill('b ___', 3, temperature=0.01)}
  greedy = infiller.fill('b _3_', 1, temperature=0.01)
  assert texts == {next(greedy).text}
  assert best.startswith('b ')


@pytest.mark.parametrize('template', ['___ a ___', '_1_ a ___', 'a _2_ b'])
def test_alignments_equal_the_count_of_lengths(template):
  parts = templates.parse(template, corpus(0))
  rows = np.asarray([*itertools.product(range(4), repeat=T)], np.int32)
  want = []
  for row in rows.tolist():
    text = row[: row.index(0)] if 0 in row else row
    count = 0
    for lengths in itertools.product(range(1, T + 1), repeat=len(parts)):
      at, good = 0, True
      for part, size in zip(parts, lengths):
        if isinstance(part, np.ndarray):
          good &= size == 1 and text[at : at + 1] == part.tolist()
        else:
          good &= part.size in (None, size)
        at += size
      count += good and at == len(text)
    want.append(count)
  got = templates.alignments(rows, parts, 0)
  np.testing.assert_array_equal(got, want)
  assert len(set(want)) > 1


def test_command_writes_the_texts_of_each_template(monkeypatch):
  infiller, _ = generator(0)
  system = systems.build(toys.settings('mle', mle__batch=4), Spec(4, T, 20, 0))
  run = trained.Trained(system, infiller._state, corpus(0), step=7)
  monkeypatch.setattr(trained, 'load', lambda *args: run)
  options = ('--workdir', 'x', '-n', 3, '--seed', 5, '--candidates', 9)
  code, out, err = call(infill, 'a ___', '_1_ b', *options)
  assert code == 0
  want = run.infill('a ___', 3, seed=5, candidates=9)
  assert out.splitlines()[:3] == want
  assert all(re.fullmatch(r'\w b', x) for x in out.splitlines()[3:])
  assert len(out.splitlines()) == 6
  assert err.startswith('x, step 7') and 'raise --candidates' in err


@pytest.mark.parametrize(
  'template,words',
  [
    ('a b', 'has no blank'),
    ('a ___ d', "lacks 'd'"),
    ('___ ___', 'neighbours'),
    ('a _0_', 'without tokens'),
    ('a b c ___ a', 'at least 5 tokens'),
    ('_4_ a', 'at least 5 tokens'),
  ],
)
def test_bad_templates_are_refused(template, words):
  with pytest.raises(UserError, match=words):
    templates.parse(template, corpus(0))


def test_template_of_another_length_is_refused_if_all_texts_are_equal():
  with pytest.raises(UserError, match='all texts of this generator have 4'):
    templates.parse('a _1_', corpus(None))


def test_latent_noise_is_refused():
  c = toys.settings('textgan', mle__batch=4, adversarial__batch=4)
  system = systems.build(c, Spec(4, T, 20, 0))
  with pytest.raises(UserError, match='latent noise'):
    infilling.Infiller(system, None, corpus(0))


@functools.cache
def filler():
  """Returns the Infiller of a generator that reads the whole template."""
  system = systems.build(
    toys.settings('maskgan', mle__batch=4, adversarial__batch=4),
    Spec(4, T, 20, 0),
  )
  state = system.init(jax.random.key(0))
  state = state.replace(players=trees.noisy(state.players))
  return infilling.Infiller(system, state, corpus(0))


def test_generator_that_reads_the_template_has_equal_weights():
  filled = [*filler().fill('_1_ b _1_ c', 8, candidates=5)]
  assert all(re.fullmatch(r'\w b \w c', x.text) for x in filled)
  assert all(1 <= x.effective <= 5 for x in filled)
  assert len({x.text for x in filled}) > 1


def test_generator_that_reads_the_template_needs_numbers():
  with pytest.raises(UserError, match='fixed numbers of tokens'):
    next(filler().fill('___ b'))
  assert next(filler().fill('b ___')).text.startswith('b')


def test_classes_are_refused():
  c = toys.settings('mle', mle__batch=4, generator__conditional=True)
  system = systems.build(c, Spec(4, T, 20, 0, classes=(0.5, 0.5)))
  with pytest.raises(UserError, match='conditional'):
    infilling.Infiller(system, None, corpus(0))
