"""FM-GAN: the feature mover's distance between texts, without a classifier.

Chen et al. 2018. The cost of moving one sentence to another is one minus the
cosine of their features; G minimises the optimal transport between a real and
a generated batch, the feature extractor D maximises it.
"""

from moegan_jax.losses.matching import check_mover, feature_movers_distance
from moegan_jax.systems.match import match
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """FM-GAN from the sections of a configuration.

  Raises:
    UserError: a solver that does not exist, or numbers that it cannot use.
  """
  rules = config.transport
  check_mover(rules.solver, rules.epsilon, rules.iterations)

  def distance(seen):
    return feature_movers_distance(
      seen.real.features, seen.fake.features, **rules
    )

  def approach(params, phi, seen, key):
    del params, phi, key
    value = distance(seen)
    return value, {'fmd': value}

  def withdraw(phi, seen, key):
    del phi, key
    value = distance(seen)
    return -value, {'d_fmd': value}

  return match(config, spec, classifier=False).system(
    generator_terms=(approach,), discriminator_terms=(withdraw,)
  )
