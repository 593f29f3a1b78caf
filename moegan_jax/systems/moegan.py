"""MoEGAN: mixture of experts, relativistic discriminator, feature alignment.

Algorithm 1 of the paper (G: generator, D: discriminator, F: D's features):

    pre-train G by maximum likelihood
    repeat:
      g times:  G <- Adam step on  L_G + w Delta_F              (Eq 7, 6, 9)
      k times:  D <- Adam step on  L_D, on new batches          (Eq 8)

L_G and L_D are the relativistic losses of D's logits of real text and of
relaxed samples. Delta_F is the distance between the mean features of both. G is
a mixture of relational memory cores (Eq 2-5), D a CNN.

With `ccl.weight` above zero, each step of G is followed by one on the
counter-contrastive loss of the CCL paper.
"""

from collections.abc import Callable

from moegan_jax.errors import UserError, unknown
from moegan_jax.losses.feature_alignment import DISTANCES, feature_alignment
from moegan_jax.ops.arrays import on, traced
from moegan_jax.ops.distances import CENTROID_DISTANCES
from moegan_jax.systems.adversarial_setup import adversarial_setup
from moegan_jax.systems.contrast import Contrast
from moegan_jax.systems.relaxed_gan import RelaxedGAN
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """MoEGAN from the sections of a configuration.

  Raises:
    UserError: a value out of range.
  """
  setup = adversarial_setup(config, spec)  # G, D, L_G, L_D, Adam
  contrast = Contrast.from_settings(setup.gan, **config.ccl)
  generator = setup.generator_updates(  # g steps on L_G + w Delta_F
    terms=alignment(setup.gan, **config.fsa),
    after=contrast.generator_updates(setup.train.g_adam),
  )
  discriminator = setup.discriminator_updates(  # k steps on L_D
    terms=contrast.discriminator_terms()
  )
  return setup.alternate(generator, discriminator)


def alignment(
  gan: RelaxedGAN,
  *,
  weight: float,
  distance: str = 'centroid',
  reduce: str = 'joint',
  dropout: str = 'train',
) -> tuple[Callable, ...]:
  """The term w Delta_F (Eq 6) of the generator's loss; none if w is 0.

  The paper's encoder F is a copy of D taken at the start of an iteration. D is
  frozen while G learns, so F is D itself: its parameters are constants of the
  gradient.

  Args:
    weight: w; 1 in the paper
    distance: 'centroid', or 'wasserstein' as in the paper's Figure 6
    reduce: 'joint' or 'per_rep', how S representations make a centroid
    dropout: 'train' applies D's dropout to the features, 'off' does not

  Raises:
    UserError: an unknown name, or a negative weight.
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

  def term(params, phi, inputs, key):
    del params, key
    real, fake = inputs.real, inputs.fake
    if dropout == 'off':
      real = gan.judge_text(phi, inputs.tokens, None)
      fake = gan.discriminator.judge(phi, inputs.embedded, None)
    value = feature_alignment(real.features, fake.features, reduce, distance)
    return weight * value, {'fsa': value}

  return (term,)
