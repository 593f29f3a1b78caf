"""The matrix products that a step of a system needs, from its configuration.

The formulas count the products that the mathematics needs, which may differ
from those that the program computes:

* likelihood: the values of G and both gradients, at every step
* generator step: a rollout with both gradients; the rows through D's embedding,
  and D itself, with gradients of the input only, because the weights of D are
  frozen; the values of D for real text, without gradients, if the loss of G
  reads them. Straight-through rows are gathered, and only their gradient is a
  product.
* discriminator step: the rollout of its samples, values only; the rows through
  D's embedding with the gradient of the embedding only, because the rows are
  constants; D with both gradients, for real text and for samples

The program computes more in places. For example, it computes the logits of D's
samples twice. The test that compares these formulas with the traced programs
lists all differences.
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

# Systems whose losses have no products beyond those of the players.
COVERED = ('moegan', 'ccl', 'relgan', 'gsgan')


def _rollout(config, spec: Spec, n: int, soft: bool) -> Work:
  """The work of sampling n sequences step by step."""
  parts = generator(n, spec.vocab_size, soft=soft, **config.generator)
  each = join(parts.step, parts.readout)
  return join(parts.begin, repeated(each, spec.length))


def _forced(config, spec: Spec, n: int) -> Work:
  """The work of teacher forcing n sequences, with a single readout."""
  one = generator(n, spec.vocab_size, soft=False, **config.generator)
  every = generator(
    n * spec.length, spec.vocab_size, soft=False, **config.generator
  )
  return join(one.begin, repeated(one.step, spec.length), every.readout)


def _judge(config, spec: Spec, n: int) -> Work:
  return discriminator(n, spec.length, **config.discriminator)


def likelihood_step(config, spec: Spec, n: int | None = None) -> Products:
  """Returns the products of an update of G on real text.

  Args:
    config: configuration of the experiment
    spec: properties of the text
    n: number of sequences; default: `mle.batch`
  """
  return _forced(config, spec, n or config.mle.batch).trained


def sampling(config, spec: Spec, n: int) -> Products:
  """Returns the products of n samples, drawn `eval.chunk` at a time."""
  chunk = min(n, config.eval.chunk)
  return times(_rollout(config, spec, chunk, False).forward, n / chunk)


def _rules(config):
  game = config.game
  return adversarial_loss(game.loss, game.form, game.reduce)


def _reads_real(config) -> bool:
  """Returns whether the adversarial loss of G reads D's logits of real text."""
  loss, fake = _rules(config).generator, jnp.array([0.5, 1.0])
  real = jnp.array([1.0, 3.0])
  return bool(loss(real, fake) != loss(-real, fake))


def _weight(config, section: str) -> float:
  """Returns the weight of a term; 0 without its section."""
  return config[section].weight if section in config else 0.0


def uncovered(config) -> str:
  """Returns why a configuration has no formula for its game, or ''.

  The formulas of likelihood and sampling hold for every system.
  """
  if config.system not in COVERED:
    return f'no formula for the losses of {config.system}'
  own = config.game.penalty < 0
  if _rules(config).penalty if own else config.game.penalty:
    return 'no formula for a gradient penalty'
  if _weight(config, 'fsa') and config.fsa.distance != 'centroid':
    return f'no formula for fsa.distance={config.fsa.distance}'
  if config.adversarial.mle_every:
    return 'no formula for adversarial.mle_every, as iterations differ'
  return ''


def generator_step(config, spec: Spec) -> Products:
  """Returns the products of an update of G and of its second update, if any."""
  n = config.adversarial.batch
  hard = RELAXATIONS[config.game.relaxation][0]
  rows = dense(n, spec.vocab_size, config.discriminator.embed, spec.length)
  judge = _judge(config, spec, n)
  soft = config.game.feedback == 'soft'
  made = _rollout(config, spec, n, soft).trained
  made += rows.left if hard else rows.through
  found = made + judge.through
  aligned = bool(_weight(config, 'fsa'))
  if aligned and config.fsa.dropout == 'off':
    found += judge.forward + judge.through  # separate passes without dropout
    aligned = False
  if aligned or _reads_real(config):
    found += judge.forward
  if _weight(config, 'ccl'):  # real text under two masks, and new samples
    found += made + judge.through + times(judge.forward, 2)
  if config.adversarial.anchor:
    found += likelihood_step(config, spec, n)
  return found


def discriminator_step(config, spec: Spec) -> Products:
  """Returns the products of one of D's k updates.

  They include its share of the rollout that serves all k updates.
  """
  n, k = config.adversarial.batch, config.adversarial.d_steps
  hard = RELAXATIONS[config.game.relaxation][0]
  soft = config.game.feedback == 'soft'
  found = times(_rollout(config, spec, k * n, soft).forward, 1 / k)
  if not hard:
    rows = dense(n * spec.length, spec.vocab_size, config.discriminator.embed)
    found += rows.of_weights
  judged = 2
  if _weight(config, 'ccl') and config.ccl.updates == 'both':
    judged += 3
  return found + times(_judge(config, spec, n).trained, judged)


def iteration(config, spec: Spec) -> Products:
  """Returns the products of g updates of G and k updates of D."""
  run = config.adversarial
  return times(generator_step(config, spec), run.g_steps) + times(
    discriminator_step(config, spec), run.d_steps
  )


def gflop(products: Products) -> float:
  """Returns the number of operations in units of 1e9."""
  return flop(products) / 1e9
