"""MoEGAN: mixture of experts, relativistic discriminator, feature alignment.

Source: "Improved Training of Mixture-of-Experts Language GANs" (2023).

G is a mixture of relational memory cores (Eq 2-3) that draws Gumbel-Softmax
samples x_f (Eq 4-5). At every timestep all experts read the same token. The
mean of their outputs, with equal weights and without a gating network, goes
through one readout to the logits o, which is the mean of the experts' logits.
With Gumbel noise g, the token is argmax(o + g), which G reads next, and D reads
softmax(beta (o + g)). D is a CNN that maps a sentence to a logit D(x) and to
features F(x). x_r is real text. Algorithm 1:

    pre-train G by maximum likelihood
    repeat:
      g times:  G <- Adam step that minimises L_G + w Delta_F
      k times:  D <- Adam step that minimises L_D

    L_D     = -mean log sigmoid(D(x_r) - D(x_f))     (Eq 7 and 8)
    L_G     = -mean log sigmoid(D(x_f) - D(x_r))     (Eq 9, non-saturating)
    Delta_F = || mean F(x_r) - mean F(x_f) ||        (Eq 6)

Every step uses a new real batch and new samples. D is frozen in the steps of G,
and G in those of D. The defaults are g = 1, k = 5 and w = 1. Eq 9 as printed is
L_G = -L_D, which `game.form=minimax` selects. `game.loss` selects other losses.
D's dropout is active in all steps. Terms that are off by default are
`adversarial.anchor`, `adversarial.mle_every` (likelihood of G) and
`game.penalty` (gradient of D).

The option `ccl.weight` > 0 adds a second Adam step after each step of G. It
minimises the counter-contrastive loss of the CCL paper.
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
  """Builds MoEGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range.
  """
  setup = adversarial_setup(config, spec)  # G, D, L_G, L_D, Adam
  contrast = Contrast.from_settings(setup.gan, **config.ccl)
  # g steps of G minimise L_G + w Delta_F.
  generator_steps = setup.generator_updates(
    terms=alignment(setup.gan, **config.fsa),
    after=contrast.generator_updates(setup.train.g_adam),
  )
  # k steps of D minimise L_D.
  discriminator_steps = setup.discriminator_updates(
    terms=contrast.discriminator_terms()
  )
  # After pre-training, an iteration is g steps of G, then k steps of D.
  system = setup.alternate(generator_steps, discriminator_steps)
  return system._replace(label='moegan + ccl' if on(config.ccl.weight) else '')


def alignment(
  gan: RelaxedGAN,
  *,
  weight: float,
  distance: str = 'centroid',
  reduce: str = 'joint',
  dropout: str = 'train',
) -> tuple[Callable, ...]:
  """Returns feature statistics alignment, w Delta_F (Eq 6), as a term of G.

  Args:
    gan: the relaxed GAN, whose discriminator computes the features
    weight: w, 1 in the paper
    distance: 'centroid' (Eq 6), or 'wasserstein' (Figure 6 of the paper)
    reduce: 'joint' or 'per_rep', see `losses.feature_alignment`
    dropout: 'train' applies D's dropout to the features, 'off' does not

  Returns:
    One term of `RelaxedGAN.generator_loss`, or none if the weight is 0.

  Raises:
    UserError: an unknown option, or a negative weight.

  The encoder F of the paper is a copy of D, taken when an iteration begins. D
  does not change before the last step of G, so F is D itself. The gradient
  treats its parameters as constants.
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
