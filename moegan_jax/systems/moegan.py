"""MoEGAN: mixture of experts, relativistic CNN, feature alignment.

The paper's Algorithm 1: pre-train G by maximum likelihood; then repeat g
updates of G and k updates of D. With `ccl.weight` above zero each update of G
is followed by the counter-contrastive one, which gives MoEGAN + CCL, and with
one expert and without alignment CCL itself (see `ccl.py`).
"""

import jax

from moegan_jax.errors import UserError
from moegan_jax.losses.feature_alignment import feature_alignment
from moegan_jax.ops.distances import CENTROID_DISTANCES
from moegan_jax.systems import parts
from moegan_jax.systems.contrast import Contrast
from moegan_jax.systems.game import RelaxedGame, relaxed_game
from moegan_jax.types import System
from moegan_jax.updates import gradient_update, repeat, sequence, together


def generator_loss(
  game: RelaxedGame, *, weight: float, reduce: str, dropout: str
):
  """L_G of Eq 9: the relativistic loss plus Delta_F of Eq 6.

  Args:
    weight: of Delta_F; 1 in the paper, 0 leaves it out
    reduce: 'joint' or 'per_rep', how S representations make a centroid
    dropout: 'train' keeps D's dropout on for F as for H, 'off' does not

  Raises:
    UserError: an unknown switch, or a negative weight.
  """
  for name, value, valid in (
    ('reduce', reduce, tuple(CENTROID_DISTANCES)),
    ('dropout', dropout, ('train', 'off')),
  ):
    if value not in valid:
      raise UserError(
        f'fsa.{name}={value!r} is unknown; one of {", ".join(valid)}'
      )
  if weight < 0:
    raise UserError(f'fsa.weight={weight} must not be negative')

  def loss(params, state, batch, key):
    k_noise, k_real, k_fake = jax.random.split(key, 3)
    # D is frozen here. The paper's auxiliary encoder F, a copy of D taken at
    # the start of the iteration, is therefore D itself: its parameters are
    # constants of this gradient, which is taken in `params` alone.
    phi = state.players['discriminator'].params
    n = batch.tokens.shape[0]
    embedded = game.generate(params, phi, state, n, k_noise)
    real = game.judge_text(phi, batch.tokens, k_real)
    fake = game.discriminator.judge(phi, embedded, k_fake)
    play = game.loss.generator(real.logits, fake.logits)  # Eq 7, 8
    metrics = {'g_loss': play, 'beta': game.beta_at(state)}
    if not weight:
      return play, metrics
    if dropout == 'off':
      real = game.judge_text(phi, batch.tokens, None)
      fake = game.discriminator.judge(phi, embedded, None)
    align = feature_alignment(real.features, fake.features, reduce)  # Eq 6
    return play + weight * align, metrics | {'fsa': align}  # Eq 9

  return loss


def build(config, spec: parts.Spec) -> System:
  """MoEGAN from the sections of a configuration."""
  gen = parts.generator(spec, **config.generator)
  disc = parts.discriminator(spec, **config.discriminator)
  pretrain, likelihood = parts.pretraining(
    spec, gen, **config.mle, unroll=config.game.unroll
  )
  game = relaxed_game(
    gen, disc, length=spec.length, start=pretrain.steps, **config.game
  )
  contrast = Contrast.from_settings(game, **config.ccl)
  run = config.adversarial
  g_adam = parts.adam(run.g_lr, run.clip)
  d_adam = parts.adam(run.d_lr, run.clip)

  play = gradient_update(
    'generator', g_adam, generator_loss(game, **config.fsa)
  )
  update = sequence(
    repeat(together(play, *contrast.generator_updates(g_adam)), run.g_steps),
    game.discriminator_updates(
      d_adam, run.d_steps, contrast.discriminator_term()
    ),
  )
  return parts.system(
    spec,
    gen,
    players={
      'generator': (gen.init, likelihood),
      'discriminator': (disc.init, d_adam),
    },
    phases={
      'pretrain': pretrain,
      'adversarial': parts.adversarial_phase(
        steps=run.steps,
        batch=run.batch,
        update=update,
        optimizers={'generator': g_adam, 'discriminator': d_adam},
      ),
    },
    disc=disc,
    unroll=config.game.unroll,
  )
