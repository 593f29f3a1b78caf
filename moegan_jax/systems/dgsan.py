"""DGSAN: the discriminator is the ratio of the generator to its past self.

Source: Montahaei et al., "DGSAN: Discrete Generative Self-Adversarial Network"
(2019).

p_new is G, and p_old a copy of G that is renewed every `interval` iterations.
There is no other player:

    D(x) = p_new(x) / (p_new(x) + p_old(x)) = sigma(log p_new(x) - log p_old(x))
    L    = -E_real log D(x) - E_{y ~ p_old} log(1 - D(y))

D is optimal for p_new = p_data, whatever p_old is. If p_old = p_data, too, the
expected gradient is zero. Algorithm:

    p_old <- G
    repeat:
      every `interval` iterations:  p_old <- G
      g times:  real text x, samples y ~ p_old; G <- Adam step on L

`dgsan.level=token` applies L to the conditional probability of each token, as
in TextGAN-PyTorch. `sequence` applies it to whole texts. D is then close to 0
or 1 as soon as p_new and p_old differ, since the log-probabilities of T tokens
add up.

After the end of a text the logit of D is 0, so positions there have no
gradient. The metrics `d_real` and `d_fake` are the means of the logit over
texts and, with `token`, all T positions. Both are 0 after a copy.
"""

import jax
import jax.numpy as jnp

from moegan_jax import decode
from moegan_jax.errors import at_least, unknown
from moegan_jax.losses.likelihood import log_likelihood
from moegan_jax.losses.policy_gradient import REDUCTIONS
from moegan_jax.losses.self_adversarial import (
  LEVELS,
  log_ratios,
  self_adversarial,
)
from moegan_jax.ops.ends import end_mask
from moegan_jax.systems import assembly, networks
from moegan_jax.types import Player, Spec, System, TrainState
from moegan_jax.updates import Loss, ema_update, every, sequence

OLD = 'old'  # key of the parameters of p_old in `TrainState.memory`


def build(config, spec: Spec) -> System:
  """Builds DGSAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: latent noise, an unknown level, or a value out of range.
  """
  settings = config.dgsan
  if settings.level not in LEVELS:
    raise unknown('dgsan.level', settings.level, LEVELS)
  if settings.reduce not in REDUCTIONS:
    raise unknown('dgsan.reduce', settings.reduce, REDUCTIONS)
  at_least('dgsan.interval', settings.interval, 0)
  train = assembly.training(
    config, spec, networks.explicit_generator(config, spec)
  )
  updates = train.generator_updates(
    generator_loss(train, settings.level, settings.reduce)
  )
  needed = config.adversarial.batch * updates.batches
  epoch = max(1, spec.train_size // max(1, needed))
  # An average that keeps nothing is a copy.
  renewal = ema_update(OLD, 'generator', rate=0.0)
  return train.system(
    sequence(every(renewal, settings.interval or epoch), updates),
    epochs=True,
    memory=memory,
    enter=lambda state: state.replace(
      memory=state.memory | memory(state.players)
    ),
  )


def memory(players: dict[str, Player]) -> dict:
  """Returns a `TrainState.memory` whose p_old is G."""
  return {OLD: jax.tree.map(jnp.copy, players['generator'].params)}


def generator_loss(train: assembly.Training, level: str, reduce: str) -> Loss:
  """Returns L on real text and as many new samples of p_old.

  Args:
    train: G
    level: see `losses.self_adversarial.log_ratios`
    reduce: a key of `policy_gradient.REDUCTIONS`
  """
  gen, spec, unroll = train.gen, train.spec, train.unroll

  def log_probs(params, tokens):
    logits = decode.teacher_force(gen, params, tokens, unroll=unroll)
    return log_likelihood(logits, tokens)

  def loss(params, state: TrainState, batch, key):
    # `adversarial.anchor` folds a number into the key, and so does each row.
    k_sample, _ = jax.random.split(key)
    old = state.memory[OLD]
    rows = batch.tokens.shape[0]
    fake = decode.draw_text(
      gen, old, k_sample, rows, length=spec.length, pad=spec.pad, unroll=unroll
    )
    both = jnp.concatenate([batch.tokens, fake])
    new = log_probs(params, both)
    counted = end_mask(both, spec.pad)
    logits = log_ratios(new, log_probs(old, both), counted, level)
    on_real, on_fake = jnp.split(logits, 2)
    value = self_adversarial(on_real, on_fake, reduce)
    metrics = {'d_real': on_real.mean(), 'd_fake': on_fake.mean()}
    return value, {'g_loss': value, 'nll': -new[:rows].mean()} | metrics

  return loss
