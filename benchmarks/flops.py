"""The matrix products that a step of a system needs, from its configuration.

The formulas count the products that the mathematics needs, which may differ
from those that the program computes. `policy_flops` has those of policy
gradients. Those of relaxed samples are:

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
samples twice. The tests that compare these formulas with the traced programs
list all differences.
"""

import jax.numpy as jnp

from benchmarks import policy_flops
from benchmarks.players import judge, likelihood_step, rollout
from benchmarks.work import (
  Products,
  dense,
  flop,
  times,
)
from moegan_jax.losses.adversarial import adversarial_loss
from moegan_jax.systems.adversarial_setup import RELAXATIONS
from moegan_jax.types import Spec


def knows_generator(config) -> bool:
  """Returns whether there are formulas of likelihood and sampling.

  Generators of a class, and those that read a discriminator or a masked text,
  have none.
  """
  generator = config.generator
  return 'cell' in generator and not generator.conditional


def sampling(config, spec: Spec, n: int) -> Products:
  """Returns the products of n samples, drawn `eval.chunk` at a time."""
  chunk = min(n, config.eval.chunk)
  return times(rollout(config, spec, chunk).forward, n / chunk)


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

  For likelihood and sampling see `knows_generator`.
  """
  if config.generator.get('conditional'):
    return 'no formula for generators of a class'
  if config.system not in STEPS:
    return f'no formula for the losses of {config.system}'
  if config.adversarial.mle_every:
    return 'no formula for adversarial.mle_every, as iterations differ'
  if 'game' not in config:  # tokens without a relaxation
    return ''
  own = config.game.penalty < 0
  if _rules(config).penalty if own else config.game.penalty:
    return 'no formula for a gradient penalty'
  if _weight(config, 'fsa') and config.fsa.distance != 'centroid':
    return f'no formula for fsa.distance={config.fsa.distance}'
  return ''


def _relaxed_generator(config, spec: Spec) -> Products:
  """Returns the products of an update of G and of its second update, if any."""
  n = config.adversarial.batch
  hard = RELAXATIONS[config.game.relaxation][0]
  rows = dense(n, spec.vocab_size, config.discriminator.embed, spec.length)
  judged = judge(config, spec, n)
  soft = config.game.feedback == 'soft'
  made = rollout(config, spec, n, soft).trained
  made += rows.left if hard else rows.through
  found = made + judged.through
  aligned = bool(_weight(config, 'fsa'))
  if aligned and config.fsa.dropout == 'off':
    found += judged.forward + judged.through  # separate passes without dropout
    aligned = False
  if aligned or _reads_real(config):
    found += judged.forward
  if _weight(config, 'ccl'):  # real text under two masks, and new samples
    found += made + judged.through + times(judged.forward, 2)
  return found


def _relaxed_discriminator(config, spec: Spec) -> Products:
  """Returns the products of one of D's k updates.

  They include its share of the rollout that serves all k updates.
  """
  n, k = config.adversarial.batch, config.adversarial.d_steps
  hard = RELAXATIONS[config.game.relaxation][0]
  soft = config.game.feedback == 'soft'
  found = times(rollout(config, spec, k * n, soft).forward, 1 / k)
  if not hard:
    rows = dense(n * spec.length, spec.vocab_size, config.discriminator.embed)
    found += rows.of_weights
  times_judged = 2
  if _weight(config, 'ccl') and config.ccl.updates == 'both':
    times_judged += 3
  return found + times(judge(config, spec, n).trained, times_judged)


_RELAXED = policy_flops.Steps(_relaxed_generator, _relaxed_discriminator)
# Systems whose losses have no products beyond those of the formulas.
STEPS = {
  **dict.fromkeys(('moegan', 'ccl', 'relgan', 'gsgan'), _RELAXED),
  **policy_flops.STEPS,
}


def generator_step(config, spec: Spec) -> Products:
  """Returns the products of one of G's g updates of an iteration."""
  found = STEPS[config.system].generator(config, spec)
  if config.adversarial.anchor:
    found += likelihood_step(config, spec, config.adversarial.batch)
  return found


def discriminator_step(config, spec: Spec) -> Products:
  """Returns the products of one of D's updates of an iteration."""
  return STEPS[config.system].discriminator(config, spec)


def discriminator_updates(config) -> int:
  """Returns the number of D's updates of an iteration."""
  return config.adversarial.d_steps * policy_flops.pool_updates(config)


def iteration(config, spec: Spec) -> Products:
  """Returns the products of all updates of G and of D in an iteration."""
  return times(
    generator_step(config, spec), config.adversarial.g_steps
  ) + times(discriminator_step(config, spec), discriminator_updates(config))


def gflop(products: Products) -> float:
  """Returns the number of operations in units of 1e9."""
  return flop(products) / 1e9
