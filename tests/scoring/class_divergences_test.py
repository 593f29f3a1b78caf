"""Divergences of a conditional generator from the captions, given a class."""

import jax
import numpy as np
import pytest
import toys

from moegan_jax import systems
from moegan_jax.data import synthetic
from moegan_jax.experiment.train_app import spec_of
from moegan_jax.losses.likelihood import log_likelihood
from moegan_jax.ops.ends import end_mask
from moegan_jax.scoring.evaluation import Evaluator

pytestmark = pytest.mark.usefixtures('quick_compilation')
N = 48


@pytest.fixture(scope='module')
def found():
  """Returns the corpus, a system, its state and its evaluator."""
  corpus = synthetic.load_captions(train_size=60, test_size=20)
  c = toys.settings('mle', generator__conditional=True, mle__batch=8)
  system = systems.build(c, spec_of(corpus))
  state = jax.jit(system.init)(jax.random.key(0))
  return corpus, system, state, Evaluator(system, corpus, 16)


def test_both_densities_are_those_given_the_class(found):
  corpus, system, state, evaluator = found
  classes = corpus.oracle.classes
  samples = evaluator.class_samples(state, N)
  truth = evaluator.truth(N)
  labels = classes.draw(np.random.RandomState(1), truth)
  values = evaluator.divergences(state, samples[2], truth[labels == 2], k=2)

  def per_token(tokens):
    """Returns the mean of log p - log q, both given class 2."""
    own = np.full(len(tokens), 2, np.int32)
    written = np.asarray(end_mask(tokens, corpus.pad))
    q = log_likelihood(system.logits(state, tokens, labels=own), tokens)
    steps = np.asarray(classes.log_probs(tokens, own))
    p = np.take_along_axis(steps, tokens[..., None], -1)[..., 0]
    return float(((p - q) * written).sum() / written.sum())

  assert values['kl_pq'] == pytest.approx(
    per_token(truth[labels == 2]), rel=1e-3
  )
  assert values['kl_qp'] == pytest.approx(-per_token(samples[2]), rel=1e-3)


def test_each_class_has_its_divergences(found):
  corpus, _, state, evaluator = found
  values = evaluator.class_measures(state, N)
  for name in corpus.label_names:
    for measure in ('nll_oracle', 'kl_pq', 'kl_qp', 'jeffreys'):
      assert np.isfinite(values[f'{measure}[{name}]'])
    # A class without test text has no NLL.
    k = corpus.label_names.index(name)
    has_text = (corpus.labels['test'] == k).any()
    assert (f'nll_test_token[{name}]' in values) == has_text
