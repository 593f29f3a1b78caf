"""The matrix products of systems whose generator learns by policy gradients.

* generator step: samples, values only; teacher forcing of the samples, with
  both gradients; the values of D that the weights of their tokens need
* weights from rollouts: N completions of each proper prefix of a sample, which
  are N T (T - 1) / 2 steps of G with a readout; the values of D, for all
  completions and for the samples. A moving average of G first reads the
  prefixes, which are T - 1 steps without a readout.
* discriminator step: a batch of text through D, with both gradients

Samples that serve several steps count as an equal share of each step.
Embeddings of tokens are gathered.
"""

from collections.abc import Callable
from typing import NamedTuple

from benchmarks.players import forced, judge, judge_settings, rollout
from benchmarks.products import (
  feature_width,
  generator,
)
from benchmarks.work import (
  Products,
  Work,
  dense,
  join,
  repeated,
  times,
)
from moegan_jax.types import Spec

# (configuration, properties of the text) -> products of a step
Formula = Callable[..., Products]
# number of sequences -> products of their rewards
Score = Callable[[int], Products]
# The D of ScratchGAN, beside its section.
_PREFIXES = {'kind': 'recurrent', 'cell': 'lstm', 'per_token': True}


class Steps(NamedTuple):
  """The formulas of a system.

  Attributes:
    generator: an update of G
    discriminator: an update of D
  """

  generator: Formula
  discriminator: Formula


def pool_updates(config) -> int:
  """Returns the updates of D on one pool; 1 without pools."""
  if 'pool' not in config:
    return 1
  pool = config.pool
  return pool.passes * (2 * pool.negatives // config.adversarial.batch)


def _drawn(config, spec: Spec, n: int) -> Products:
  return rollout(config, spec, n).forward


def _learned(config, spec: Spec, n: int) -> Products:
  """Returns the products of n new samples and of their policy gradient."""
  return _drawn(config, spec, n) + forced(config, spec, n).trained


def _completions(config, spec: Spec, n: int) -> Products:
  """Returns the products of all completions of n samples."""
  run, length = config.rollout, spec.length
  rows = n * run.chunk * max(1, length // 2)  # as many as in the program
  parts = generator(rows, spec.vocab_size, soft=False, **config.generator)
  steps = n * run.samples * length * (length - 1) / 2 / rows
  found = times(parts.step.forward + parts.readout.forward, steps)
  if run.policy == 'ema':
    own = generator(n, spec.vocab_size, soft=False, **config.generator)
    found += own.prepare.forward + own.begin.forward
    found += times(own.step.forward, length - 1)
  return found


def _returns(config, spec: Spec, score: Score) -> Products:
  """Returns the products of weights from rollouts."""
  n, run = config.adversarial.batch, config.rollout
  calls = run.samples * (spec.length - 1) / run.chunk
  completed = times(score(n * run.chunk), calls)
  return _completions(config, spec, n) + completed + score(n)


def _pool_samples(config, spec: Spec) -> Products:
  """Returns the share of an update of D in the samples of its pool."""
  n = config.adversarial.batch
  share = config.pool.negatives / n / pool_updates(config)
  return times(_drawn(config, spec, n), share)


def _seqgan(config, spec: Spec) -> Products:
  n = config.adversarial.batch
  return _learned(config, spec, n) + _returns(
    config, spec, lambda m: judge(config, spec, m).forward
  )


def _maligan(config, spec: Spec) -> Products:
  """Returns the products of an update, in `mixed` with an empty prefix.

  The program computes the steps of G that a prefix of real text would save.
  """
  n = config.adversarial.batch * config.maligan.get('samples', 1)
  return _learned(config, spec, n) + judge(config, spec, n).forward


def _classifier(config, spec: Spec) -> Products:
  n = config.adversarial.batch
  return judge(config, spec, n).trained + _pool_samples(config, spec)


def _encoder(config, spec: Spec, n: int) -> Work:
  """Returns the work of D's features of n texts."""
  return judge(config, spec, n, classifier=False)


def _features(config, spec: Spec) -> int:
  return feature_width(**judge_settings(config, spec))


def _rankgan(config, spec: Spec) -> Products:
  """Includes the cosines with U references, of texts and of C comparisons."""
  n, rank = config.adversarial.batch, config.rank
  width = _features(config, spec)
  u, c = rank.references, rank.comparisons

  def score(m):
    cosines = dense(m, width, u).forward
    return _encoder(config, spec, m).forward + cosines

  found = _learned(config, spec, n) + _returns(config, spec, score)
  return (
    found + _encoder(config, spec, u + c).forward + dense(c, width, u).forward
  )


def _ranker(config, spec: Spec) -> Products:
  """Includes the cosines of texts, and of C comparisons of either kind."""
  n, rank = config.adversarial.batch, config.rank
  width = _features(config, spec)
  u, c = rank.references, rank.comparisons
  found = _encoder(config, spec, n + u + 2 * c).trained
  found += dense(n, width, u).trained + dense(c, width, u, 2).trained
  return found + _pool_samples(config, spec)


def _projected(config, spec: Spec, n: int) -> Work:
  """Returns the work of n texts as first and as second of a pair (SAL)."""
  maps = dense(n, _features(config, spec), config.sal.hidden, 2)
  return join(_encoder(config, spec, n), maps)


def _sal(config, spec: Spec) -> Products:
  """Includes K references, all pairs in both orders, and the samples of M."""
  n, sal = config.adversarial.batch, config.sal

  def score(m):
    pairs = dense(m * sal.references, sal.hidden, 3, 2).forward
    return _projected(config, spec, m).forward + pairs

  found = _learned(config, spec, n) + _returns(config, spec, score)
  found += _projected(config, spec, sal.references).forward
  return found + times(_drawn(config, spec, n), 1 / config.adversarial.g_steps)


def _comparer(config, spec: Spec) -> Products:
  """Includes all ordered pairs of different texts of a batch."""
  n = config.adversarial.batch
  pairs = dense(n * (n - 1), config.sal.hidden, 3)
  found = join(_projected(config, spec, n), pairs).trained
  return found + _pool_samples(config, spec)


def _scratchgan(config, spec: Spec) -> Products:
  n = config.adversarial.batch
  verdicts = judge(config, spec, n, **_PREFIXES).forward
  return _learned(config, spec, n) + verdicts


def _prefix_classifier(config, spec: Spec) -> Products:
  n = config.adversarial.batch
  judged = repeated(judge(config, spec, n, **_PREFIXES), 2).trained
  return judged + _drawn(config, spec, n)


def _coldgan(config, spec: Spec) -> Products:
  """Counts samples, their densities and verdicts once for all g updates."""
  n = config.adversarial.batch
  played = _drawn(config, spec, n) + forced(config, spec, n).forward
  played += judge(config, spec, n).forward
  learned = forced(config, spec, n).trained
  return learned + times(played, 1 / config.adversarial.g_steps)


def _replayer(config, spec: Spec) -> Products:
  n = config.adversarial.batch
  return judge(config, spec, 2 * n).trained + _drawn(config, spec, n)


STEPS = {
  'seqgan': Steps(_seqgan, _classifier),
  'maligan': Steps(_maligan, _classifier),
  'rankgan': Steps(_rankgan, _ranker),
  'sal': Steps(_sal, _comparer),
  'scratchgan': Steps(_scratchgan, _prefix_classifier),
  'coldgan': Steps(_coldgan, _replayer),
}
