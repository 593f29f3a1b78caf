"""FM-GAN: the feature mover's distance between texts, without a classifier.

Source: Chen et al. 2018, "Adversarial Text Generation via Feature-Mover's
Distance".

    pre-train G by maximum likelihood
    repeat:
      g times:  G <- Adam step that minimises FMD
      k times:  D <- Adam step that maximises FMD, on new batches

FMD is the cost of the optimal transport between the features of a real and of a
generated batch. Moving one sentence to another costs one minus the cosine of
their features. D extracts the features and has no logits.
"""

from moegan_jax.losses.matching import check_mover, feature_movers_distance
from moegan_jax.systems.adversarial_setup import adversarial_setup
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """Builds FM-GAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: an unknown solver, or a value out of range.
  """
  transport = config.transport
  check_mover(transport.solver, transport.epsilon, transport.iterations)

  def distance(inputs):
    return feature_movers_distance(
      inputs.real.features, inputs.fake.features, **transport
    )

  def generator_term(params, phi, inputs, key):
    del params, phi, key
    value = distance(inputs)
    return value, {'fmd': value}

  def discriminator_term(phi, inputs, key):
    del phi, key
    value = distance(inputs)
    return -value, {'d_fmd': value}

  setup = adversarial_setup(config, spec, classifier=False)
  return setup.alternate(
    setup.generator_updates(terms=(generator_term,)),
    setup.discriminator_updates(terms=(discriminator_term,)),
  )
