"""Language models of toy languages whose entropy is known."""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax import decode
from moegan_jax.data.corpus import PAD
from moegan_jax.errors import UserError
from moegan_jax.metrics.frechet import FRECHET
from moegan_jax.metrics.lm_score import LM_SCORE
from moegan_jax.metrics.measure import Texts
from moegan_jax.scoring import language_model
from moegan_jax.scoring.evaluation import Evaluator
from moegan_jax.scoring.language_model import LanguageModels
from moegan_jax.train import loop

pytestmark = pytest.mark.usefixtures('quick_compilation')

SMALL = {'hidden': 16, 'embed': 8, 'batch': 16, 'lr': 3e-2, 'epochs': 8}
KINDS, LENGTH = 4, 4


def language(n, seed):
  """Returns n sentences whose first word, one of four, determines the rest."""
  kinds = np.random.RandomState(seed).randint(KINDS, size=n)
  return [[f'{k}{t}' for t in range(LENGTH)] for k in kinds]


def fitter(**settings):
  text, valid = language(200, 0), language(60, 1)
  return LanguageModels(text, valid, **(SMALL | settings))


def per_token(model, sentences):
  nats, tokens = model.nll(sentences)
  return nats.sum() / tokens.sum()


@pytest.fixture(scope='module')
def models():
  return fitter()


@pytest.fixture
def untrained(monkeypatch):
  """Returns a fitter whose models are not trained, and their parameters."""
  models = fitter(length=6)
  params = models._generator.init(jax.random.key(5))
  monkeypatch.setattr(models, '_train', lambda tokens: params)
  return models, params


# --- fits ------------------------------------------------------------------


def test_a_fit_reaches_the_entropy(models):
  model = models.fit(language(200, 0))
  # log 4 for the first word; it determines the other words and the end.
  entropy = np.log(KINDS) / (LENGTH + 1)
  assert per_token(model, language(500, 2)) == pytest.approx(entropy, rel=0.1)
  nats, tokens = model.nll([['00', '11', '02', '03']])
  assert tokens == [LENGTH + 1]
  assert nats[0] > 3 * np.log(KINDS)


def test_scores_separate_text_from_noise_and_collapse(models):
  train, test = language(200, 0), language(100, 3)
  rng = np.random.RandomState(0)
  shuffled = [list(rng.permutation(s)) for s in language(200, 4)]
  candidates = {
    'real': language(200, 5),
    'shuffled': shuffled,
    'collapsed': language(1, 0) * 200,
  }
  found = {
    name: LM_SCORE.of(Texts(samples, test, train, models.fit))
    | FRECHET.of(Texts(samples, test, train, models.fit))
    for name, samples in candidates.items()
  }
  real, shuffled, collapsed = found.values()
  assert shuffled['lm_score'] > real['lm_score'] + 0.5
  assert shuffled['reverse_lm_score'] > real['reverse_lm_score'] + 0.3
  assert collapsed['lm_score'] == pytest.approx(real['lm_score'], abs=0.1)
  assert collapsed['reverse_lm_score'] > real['reverse_lm_score'] + 0.3
  for bad in (shuffled, collapsed):
    assert bad['frechet_lm'] > 5 * real['frechet_lm']


def test_equal_text_is_fitted_once(monkeypatch):
  said, compiled = [], []
  models = fitter(epochs=1, log=said.append)
  compile_chunk = loop.compile_chunk

  def counted(*args):
    compiled.append(args)
    return compile_chunk(*args)

  monkeypatch.setattr(loop, 'compile_chunk', counted)
  first = models.fit(language(40, 0))
  assert models.fit(language(40, 0)) is first
  assert sum('fitting' in line for line in said) == 1
  assert models.fit(language(40, 1)) is not first
  assert sum('fitting' in line for line in said) == 2
  # Texts of equal size share the compiled program.
  assert len(compiled) == 1


def test_no_more_than_the_limit_is_fitted(monkeypatch):
  seen = []
  models = fitter(limit=30)
  monkeypatch.setattr(models, '_train', seen.append)
  models.fit(language(200, 0))
  np.testing.assert_array_equal(seen[0], models.encode(language(200, 0)[:30]))


def test_best_epoch_is_kept(monkeypatch):
  """The second of the given validation losses is the lowest."""
  models = fitter(epochs=9, patience=2)
  values, seen = iter([9.0, 3.0, 1.0, 2.0, 1.0]), []

  def valid_nll(params):
    seen.append(params)
    return next(values)

  monkeypatch.setattr(models, '_valid_nll', valid_nll)
  kept = models._train(models.encode(language(40, 0)))
  assert len(seen) == 5  # before training, and after each of four epochs
  assert kept is seen[2]
  # Later epochs have not overwritten its buffers.
  assert not jax.tree.leaves(kept)[0].is_deleted()
  assert not np.array_equal(seen[2]['embed'], seen[3]['embed'])


def test_training_truncates_long_sentences(monkeypatch):
  text = [['a', 'b'] * 2] * 199 + [['a', 'b'] * 10]
  models, seen = LanguageModels(text, text[:20], **SMALL), []
  monkeypatch.setattr(models, '_train', seen.append)
  models.fit(text)
  scored = models.encode(text)
  assert scored.shape == (200, 21)  # length of the longest sentence and its end
  np.testing.assert_array_equal(seen[0], scored[:, :5])


# --- scores ----------------------------------------------------------------


def test_scores_equal_those_of_the_evaluator(untrained):
  models, params = untrained
  text = [*language(150, 0), [], ['00', 'unseen', '02', '03', '00', '01']]
  corpus = types.SimpleNamespace(pad=PAD, vocab_size=models._vocab_size)
  system = models._system(200)
  evaluator = Evaluator(system, corpus, 64)
  state = system.init(jax.random.key(0))
  player = state.players['generator'].replace(params=params)
  state = state.replace(players={'generator': player})
  model, tokens = models.fit(text), models.encode(text)
  nats, counts = model.nll(text)
  np.testing.assert_allclose(nats, evaluator.losses(state, tokens), rtol=1e-5)
  values = evaluator.nll(state, tokens)
  assert values['skipped'] == 0
  assert nats.sum() / counts.sum() == pytest.approx(values['nll_token'], 1e-6)
  assert counts.tolist() == [len(s) + 1 for s in text]


def test_features_are_the_mean_over_words_and_end(untrained):
  models, params = untrained
  model = models.fit(language(1, 0))
  text = [[], ['00'], ['00', '01', '02'], ['10', '11', '12', '13', '00', '01']]
  found = model.features(text)
  assert found.shape == (4, SMALL['hidden'])
  for words, row in zip(text, found):
    ids = [models._ids[w] for w in words]
    # Without any padding behind the end symbol.
    tokens = jnp.array([[*ids, PAD]])
    hidden = decode.replay(models._generator, params, tokens)
    np.testing.assert_allclose(row, hidden[0].mean(0), atol=1e-6)


def test_long_sentences_are_cut(untrained):
  models, _ = untrained
  model = models.fit(language(1, 0))
  words = ['00', '01'] * 10
  for cut, count in ((5, 6), (6, 7), (7, 7), (20, 7)):  # 6 words and the end
    assert model.nll([words[:cut]])[1] == [count]
  assert model.nll([words[:7]])[0] == model.nll([words])[0]
  np.testing.assert_array_equal(
    model.features([words[:7]]), model.features([words])
  )


def test_more_sentences_than_a_chunk(untrained):
  models, _ = untrained
  model, n = models.fit(language(1, 0)), language_model.CHUNK + 3
  text = language(n, 0)
  nats, tokens = model.nll(text)
  assert nats.shape == tokens.shape == (n,)
  np.testing.assert_allclose(nats[-3:], model.nll(text[-3:])[0], rtol=1e-6)


# --- vocabulary ------------------------------------------------------------


def test_rare_words_are_one_word():
  common = [[f'w{i}' for i in range(25)]] * 2
  models = LanguageModels([*common, ['zebra', 'w1']], common, **SMALL)
  tokens = models.encode([['zebra', 'w1'], ['gnu', 'w1'], ['<unk>', 'w1']])
  assert len(np.unique(tokens, axis=0)) == 1
  assert '25 words' in models.describe()


def test_a_small_vocabulary_keeps_its_rare_words():
  text = [['a', 'b'], ['a', 'c']]
  a, b = LanguageModels(text, text, **SMALL).encode([['b'], ['c']])
  assert not np.array_equal(a, b)


def test_unknown_words_lower_the_likelihood(models):
  strange = [[s[0], s[1], 'odd', s[3]] for s in language(50, 0)]
  model = models.fit(language(200, 0))
  nats, tokens = model.nll(strange)
  plain = model.nll(language(50, 0))[0]
  assert (tokens == LENGTH + 1).all()
  assert (nats > plain + 3).all()


def test_unknown_words_are_learnt():
  """They are ordinary words of the text that is fitted."""
  strange = [[s[0], s[1], 'odd', s[3]] for s in language(200, 0)]
  models = LanguageModels(language(200, 0), strange[:60], **SMALL)
  assert per_token(models.fit(strange), strange) < 0.4


def test_settings_and_bad_input(models):
  line = models.describe()
  assert '\n' not in line
  for part in ('embedding 8', 'hidden 16', '16 words', '60 validation'):
    assert part in line
  with pytest.raises(UserError, match='vocabulary is empty'):
    LanguageModels([[]], language(5, 0))
  with pytest.raises(UserError, match='no validation'):
    LanguageModels(language(5, 0), [])
  with pytest.raises(UserError, match='no sentences'):
    models.fit([])
