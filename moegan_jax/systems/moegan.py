"""MoEGAN: mixture of experts, relativistic CNN, feature alignment.

The paper's Algorithm 1: pre-train G by maximum likelihood; then repeat g
updates of G and k updates of D. With `ccl.weight` above zero each update of G
is followed by the counter-contrastive one, which gives MoEGAN + CCL, and with
one expert and without alignment CCL itself (see `ccl.py`).
"""

from moegan_jax.errors import UserError, unknown
from moegan_jax.losses.feature_alignment import DISTANCES, feature_alignment
from moegan_jax.ops.arrays import on, traced
from moegan_jax.ops.distances import CENTROID_DISTANCES
from moegan_jax.systems.contrast import Contrast
from moegan_jax.systems.game import RelaxedGame
from moegan_jax.systems.match import match
from moegan_jax.types import Spec, System


def alignment(
  game: RelaxedGame, *, weight: float, distance: str, reduce: str, dropout: str
):
  """Delta_F of Eq 6 as terms of G's loss; none where the weight is 0.

  D is frozen while G learns. The paper's auxiliary encoder F, a copy of D
  taken at the start of the iteration, is therefore D itself: its parameters
  are constants of a gradient that is taken in G's alone.

  Args:
    weight: of Delta_F; 1 in the paper
    distance: 'centroid', or 'wasserstein' as in the paper's Figure 6
    reduce: 'joint' or 'per_rep', how S representations make a centroid
    dropout: 'train' keeps D's dropout on for F as for H, 'off' does not

  Raises:
    UserError: an unknown switch, or a negative weight.
  """
  for name, value, valid in (
    ('distance', distance, tuple(DISTANCES)),
    ('reduce', reduce, tuple(CENTROID_DISTANCES)),
    ('dropout', dropout, ('train', 'off')),
  ):
    if value not in valid:
      raise unknown(f'fsa.{name}', value, valid)
  if not traced(weight) and weight < 0:
    raise UserError(f'fsa.weight={weight} must not be negative')
  if not on(weight):
    return ()

  def term(params, phi, seen, key):
    del params, key
    real, fake = seen.real, seen.fake
    if dropout == 'off':
      real = game.judge_text(phi, seen.tokens, None)
      fake = game.discriminator.judge(phi, seen.embedded, None)
    align = feature_alignment(real.features, fake.features, reduce, distance)
    return weight * align, {'fsa': align}

  return (term,)


def build(config, spec: Spec) -> System:
  """MoEGAN from the sections of a configuration."""
  play = match(config, spec)  # Eq 7, 8
  contrast = Contrast.from_settings(play.game, **config.ccl)
  return play.system(
    generator_terms=alignment(play.game, **config.fsa),  # Eq 9
    generator_after=contrast.generator_updates(play.train.g_adam),
    discriminator_terms=contrast.discriminator_terms(),
  )
