"""CCL: counter-contrastive learning on one expert, without alignment.

The paper's algorithm (G: generator, D: discriminator):

    pre-train G by maximum likelihood
    repeat:
      g times:  G <- Adam step on the relativistic loss         (Eq 1)
                G <- Adam step on the counter-contrastive loss  (Eq 3)
      k times:  D <- Adam step on the relativistic loss, on new batches
"""

from moegan_jax.errors import UserError
from moegan_jax.ops.arrays import on
from moegan_jax.systems.adversarial_setup import adversarial_setup
from moegan_jax.systems.contrast import Contrast
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """CCL from the sections of a configuration.

  Raises:
    UserError: several experts, no contrast, or a value out of range.
  """
  if config.generator.experts != 1:
    raise UserError(
      f'generator.experts={config.generator.experts} does not fit system=ccl, '
      'which has one; set system=moegan and ccl.weight=1'
    )
  if not on(config.ccl.weight):
    raise UserError('config.ccl.weight=0 does not fit system=ccl; raise it')
  setup = adversarial_setup(config, spec)
  contrast = Contrast.from_settings(setup.gan, **config.ccl)
  return setup.alternate(
    setup.generator_updates(
      after=contrast.generator_updates(setup.train.g_adam)
    ),
    setup.discriminator_updates(terms=contrast.discriminator_terms()),
  )
