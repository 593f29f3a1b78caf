"""The products that a step of a system needs, composed from a configuration.

What is counted is what the mathematics needs, not what the program does:

* likelihood: G's values and both gradients, at every step
* a generator step: a rollout with both gradients; the rows through D's
  embedding and D itself with the gradient of their input only, as D's weights
  are frozen; D's values of real text, without gradients, where G's loss reads
  them. Straight-through rows are read by a gather, their gradient is a product
* a discriminator step: the rollout of its samples, values only; the rows
  through D's embedding with the gradient of the embedding only, as the rows
  are constants; D with both gradients, on real text and on samples

The program does more in places: it makes the logits of D's samples twice, and
the rest stands in the test that holds these formulas against its traces.
"""

import jax.numpy as jnp

from benchmarks.products import (
  Products,
  Work,
  dense,
  discriminator,
  flop,
  generator,
  join,
  repeated,
  times,
)
from moegan_jax.losses.adversarial import adversarial_loss
from moegan_jax.systems.adversarial_setup import RELAXATIONS
from moegan_jax.types import Spec

# Their losses have no products beyond those of the players.
COVERED = ('moegan', 'ccl', 'relgan', 'gsgan')


def _rollout(config, spec: Spec, n: int, soft: bool) -> Work:
  """n sequences written word by word."""
  parts = generator(n, spec.vocab_size, soft=soft, **config.generator)
  each = join(parts.step, parts.readout)
  return join(parts.begin, repeated(each, spec.length))


def _forced(config, spec: Spec, n: int) -> Work:
  """n given sequences: the readout is one product over all positions."""
  one = generator(n, spec.vocab_size, soft=False, **config.generator)
  every = generator(
    n * spec.length, spec.vocab_size, soft=False, **config.generator
  )
  return join(one.begin, repeated(one.step, spec.length), every.readout)


def _judge(config, spec: Spec, n: int) -> Work:
  return discriminator(n, spec.length, **config.discriminator)


def likelihood_step(config, spec: Spec, n: int | None = None) -> Products:
  """An update of G on real text; n: sequences, else the batch of `mle`."""
  return _forced(config, spec, n or config.mle.batch).trained


def sampling(config, spec: Spec, n: int) -> Products:
  """n samples, `eval.chunk` at a time."""
  chunk = min(n, config.eval.chunk)
  return times(_rollout(config, spec, chunk, False).forward, n / chunk)


def _rules(config):
  game = config.game
  return adversarial_loss(game.loss, game.form, game.reduce)


def _reads_real(config) -> bool:
  """Whether G's adversarial loss depends on D's opinion of real text."""
  loss, fake = _rules(config).generator, jnp.array([0.5, 1.0])
  real = jnp.array([1.0, 3.0])
  return bool(loss(real, fake) != loss(-real, fake))


def uncovered(config) -> str:
  """Why there is no formula for a game of this configuration; '' if there is.

  Those of likelihood and of sampling hold for every system.
  """
  if config.system not in COVERED:
    return f'no formula for the losses of {config.system}'
  own = config.game.penalty < 0
  if _rules(config).penalty if own else config.game.penalty:
    return 'no formula for a gradient penalty'
  if config.fsa.weight and config.fsa.distance != 'centroid':
    return f'no formula for fsa.distance={config.fsa.distance}'
  if config.adversarial.mle_every:
    return 'adversarial.mle_every: iterations differ in what they do'
  return ''


def generator_step(config, spec: Spec) -> Products:
  """One update of G in a game, and what follows it on the same batch."""
  n = config.adversarial.batch
  hard = RELAXATIONS[config.game.relaxation][0]
  rows = dense(n, spec.vocab_size, config.discriminator.embed, spec.length)
  judge = _judge(config, spec, n)
  soft = config.game.feedback == 'soft'
  made = _rollout(config, spec, n, soft).trained
  made += rows.left if hard else rows.through
  found = made + judge.through
  aligned = bool(config.fsa.weight)
  if aligned and config.fsa.dropout == 'off':
    found += judge.forward + judge.through  # without the masks of the loss
    aligned = False
  if aligned or _reads_real(config):
    found += judge.forward
  if config.ccl.weight:  # two masks of real text, and samples once more
    found += made + judge.through + times(judge.forward, 2)
  if config.adversarial.anchor:
    found += likelihood_step(config, spec, n)
  return found


def discriminator_step(config, spec: Spec) -> Products:
  """One of D's k updates, with its share of the rollout for all of them."""
  n, k = config.adversarial.batch, config.adversarial.d_steps
  hard = RELAXATIONS[config.game.relaxation][0]
  soft = config.game.feedback == 'soft'
  found = times(_rollout(config, spec, k * n, soft).forward, 1 / k)
  if not hard:
    rows = dense(n * spec.length, spec.vocab_size, config.discriminator.embed)
    found += rows.of_weights
  judged = 2
  if config.ccl.weight and config.ccl.updates == 'both':
    judged += 3
  return found + times(_judge(config, spec, n).trained, judged)


def iteration(config, spec: Spec) -> Products:
  """g updates of G and k of D."""
  run = config.adversarial
  return times(generator_step(config, spec), run.g_steps) + times(
    discriminator_step(config, spec), run.d_steps
  )


def gflop(products: Products) -> float:
  return flop(products) / 1e9
