"""FM-GAN: the feature mover's distance between texts, without a classifier.

Chen et al. 2018. The cost of moving one sentence to another is one minus the
cosine of their features; G minimises the optimal transport between a real and
a generated batch, the feature extractor D maximises it.
"""

from moegan_jax.losses.matching import check_mover, feature_movers_distance
from moegan_jax.systems.adversarial_setup import adversarial_setup
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """FM-GAN from the sections of a configuration.

  Raises:
    UserError: an unknown solver, or a value out of range.
  """
  rules = config.transport
  check_mover(rules.solver, rules.epsilon, rules.iterations)

  def distance(inputs):
    return feature_movers_distance(
      inputs.real.features, inputs.fake.features, **rules
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
