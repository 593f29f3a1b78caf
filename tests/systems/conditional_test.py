"""Generators of classes, on a game whose sequences can be enumerated."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import toys
from enumerable import ALL, T, V
from trees import noisy

from moegan_jax import systems
from moegan_jax.errors import UserError
from moegan_jax.losses.likelihood import log_likelihood
from moegan_jax.train import batches, loop
from moegan_jax.types import Batch, Spec

pytestmark = pytest.mark.usefixtures('quick_compilation')

SHARES = (0.3, 0.7)
K, N, B = len(SHARES), 40, 8
SPEC = Spec(V, T, N, classes=SHARES)
LABELS = (np.arange(N) % 10 >= 3).astype(np.int32)
CORES = {
  'lstm': {},
  'experts': {'generator__experts': 2},
  'probabilities': {
    'generator__experts': 2,
    'generator__sharing': 'none',
    'generator__aggregation': 'prob_mean',
  },
}


def settings(system='mle', **changes):
  c = toys.settings(system)
  if c.generator.cell == 'rmc':
    c = toys.change(c, generator__cell='lstm', generator__hidden=3)
  c = toys.change(c, generator__conditional=True, **changes)
  c.mle.update(epochs=1, batch=B)
  return c


@functools.cache
def game(core='lstm'):
  """Returns a conditional system with parameters far from zero."""
  c = toys.change(settings(), **CORES[core])
  system = systems.build(c, SPEC)
  state = jax.jit(system.init)(jax.random.key(0))
  return system, state.replace(players=noisy(state.players))


@functools.cache
def densities(core='lstm', temperature=1.0):
  """Returns log p(x | k) [K, 27] and log p(x) [27] of all sequences."""
  system, state = game(core)
  logits = jax.jit(system.logits)

  def total(values):
    return np.asarray(log_likelihood(values, ALL).sum(1), np.float64)

  each = [
    total(logits(state, ALL, temperature, labels=np.full(27, k, np.int32)))
    for k in range(K)
  ]
  return np.stack(each), total(logits(state, ALL, temperature))


@pytest.mark.parametrize('core', CORES)
def test_mixture_is_the_exact_sum_over_the_classes(core):
  given, mixed = densities(core, 0.7)
  np.testing.assert_allclose(np.exp(given).sum(1), 1, atol=1e-5)
  assert abs(given[0] - given[1]).max() > 0.1
  expected = np.log(np.asarray(SHARES) @ np.exp(given))
  np.testing.assert_allclose(mixed, expected, atol=1e-5)
  np.testing.assert_allclose(np.exp(mixed).sum(), 1, atol=1e-5)


def test_steps_of_the_mixture_are_conditional_probabilities():
  """Compares with the definition, which knows no marginalisation by steps."""
  system, state = game()
  steps = np.asarray(jax.nn.log_softmax(system.logits(state, ALL)))
  joint = np.asarray(SHARES) @ np.exp(densities()[0])
  tokens = np.asarray(ALL)
  for row, text in enumerate(tokens):
    for t in range(T):
      same = (tokens[:, :t] == text[:t]).all(1)
      for word in range(V):
        mass = joint[same & (tokens[:, t] == word)].sum() / joint[same].sum()
        assert abs(np.exp(steps[row, t, word]) - mass) < 1e-5


def test_mixture_of_an_unknown_word_is_defined():
  system, state = game()
  values = system.logits(state, ALL.at[:, 1].set(V + 1))
  assert np.isfinite(values).all()


def found(tokens):
  """Returns the number of times that each of the 27 sequences occurs."""
  place = (np.asarray(tokens) @ V ** np.arange(T)[::-1]).astype(int)
  return np.bincount(place, minlength=27)


def assert_frequencies(tokens, log_probs):
  """Asserts shares within four standard deviations."""
  p, n = np.exp(log_probs), len(tokens)
  assert (abs(found(tokens) / n - p) < 4 * np.sqrt(p * (1 - p) / n)).all()


def test_samples_have_the_probabilities_of_their_class():
  system, state = game()
  sample, n = jax.jit(system.sample, static_argnums=2), 4000
  given, mixed = densities()
  labels = np.arange(n, dtype=np.int32) % K
  tokens = np.asarray(sample(state, jax.random.key(1), n, labels=labels))
  for k in range(K):
    assert_frequencies(tokens[labels == k], given[k])
  assert_frequencies(sample(state, jax.random.key(2), n), mixed)
  # A row depends on its key, its index and its label only.
  few = sample(state, jax.random.key(1), 7, first=12, labels=labels[12:19])
  np.testing.assert_array_equal(few, tokens[12:19])


def text():
  """Returns sequences whose first word is that of their class."""
  rng = np.random.RandomState(0)
  tokens = rng.randint(0, V, (N, T)).astype(np.int32)
  tokens[:, 0] = LABELS
  return tokens


def test_chunk_reads_labels_beside_their_sequences():
  system, state = game()
  phase = system.phases['pretrain']
  assert phase.labelled
  rows = jnp.asarray(batches.with_labels(text(), LABELS))
  source = batches.resident(phase, 0, N)
  chunk = jax.jit(loop.make_chunk(phase, source))
  _, report = chunk(state, jnp.int32(1), rows)
  order = batches.rows(phase, 0, N).order(state.key, state.step)[:B]
  labels = LABELS[order]
  logits = system.logits(state, text()[order], labels=labels)
  expected = -log_likelihood(logits, text()[order]).mean()
  np.testing.assert_allclose(report.values['nll'][0], expected, rtol=1e-5)
  other = system.logits(state, text()[order], labels=1 - labels)
  assert abs(expected + log_likelihood(other, text()[order]).mean()) > 1e-3


def test_likelihood_learns_the_text_of_each_class():
  c = settings(generator__hidden=8)
  c.mle.update(epochs=120, lr=3e-2)
  system = systems.build(c, SPEC)
  phase = system.phases['pretrain']
  rows = jnp.asarray(batches.with_labels(text(), LABELS))
  chunk = jax.jit(loop.make_chunk(phase, batches.resident(phase, 0, N)))
  state = jax.jit(system.init)(jax.random.key(0))
  state, _ = chunk(state, jnp.int32(phase.steps), rows)
  for k in range(K):
    labels = np.full(1, k, np.int32)
    first = jax.nn.softmax(system.logits(state, ALL[:1], labels=labels))[0, 0]
    assert first[k] > 0.95
  # The mixture has the shares of the text, which classes have been drawn with.
  first = jax.nn.softmax(system.logits(state, ALL[:1]))[0, 0]
  np.testing.assert_allclose(first[:2], SHARES, atol=0.05)


FAMILY = ('moegan', 'relgan', 'gsgan', 'ccl', 'seqgan', 'rankgan', 'sal')
FAMILY += ('maligan', 'scratchgan', 'coldgan')


@pytest.mark.parametrize(
  'name',
  toys.tiers(
    [*FAMILY, 'maligan-mixed'],
    ['maligan-mixed'],
  ),
)
def test_systems_train_conditional_generators(name):
  """D ignores the labels; samples for it have the shares of the classes."""
  system, _, form = name.partition('-')
  c = settings(system)
  if form:
    c = toys.change(c, maligan__form=form, maligan__samples=2)
  if 'widths' in c.discriminator:
    c.discriminator.widths = (2,)
    if isinstance(c.discriminator.filters, tuple):
      c.discriminator.filters = c.discriminator.filters[:1]
  c.adversarial.update(batch=B, anchor=0.5)
  made = systems.build(c, SPEC)
  state = jax.jit(made.init)(jax.random.key(0))
  for phase in made.phases.values():
    assert phase.labelled
    if not phase.steps:
      continue
    shape = (phase.update.batches, phase.batch_size)
    batch = Batch(jnp.zeros((*shape, T), jnp.int32), jnp.ones(shape, jnp.int32))
    state, metrics = jax.jit(phase.update.apply)(
      phase.enter(state), batch, jax.random.key(1)
    )
    assert all(np.isfinite(v).all() for v in metrics.values())


REFUSED = [
  ('mle', SPEC._replace(classes=()), {}, r'label_column.*data\.paths'),
  ('mle', SPEC, {'generator__latent': 2}, r'latent=2 is not supported'),
  ('slgan', SPEC, {}, r'not supported by system=slgan'),
  ('jsdgan', SPEC, {}, r'not supported by system=jsdgan'),
  ('textgan', SPEC, {}, r'latent=2 is not supported'),
]


@pytest.mark.parametrize('system, spec, changes, said', REFUSED)
def test_what_cannot_be_conditional_is_refused(system, spec, changes, said):
  with pytest.raises(UserError, match=said) as raised:
    systems.build(settings(system, **changes), spec)
  assert '\n' not in str(raised.value)


def test_a_soft_argmax_needs_more_than_classes():
  c = settings('relgan', game__relaxation='soft_argmax')
  with pytest.raises(UserError, match='all samples equal'):
    systems.build(c, SPEC)


def test_a_batch_without_labels_is_an_error():
  system, state = game()
  batch = Batch(jnp.zeros((1, B, T), jnp.int32))
  with pytest.raises(ValueError, match='context is required'):
    system.phases['pretrain'].update.apply(state, batch, jax.random.key(0))
