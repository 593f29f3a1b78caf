"""CCL: counter-contrastive learning on one expert, without alignment.

The paper's algorithm is MoEGAN's with another second loss of G: pre-train G;
then repeat g times (an update of G by the relativistic loss, Eq 1, and one
more by the counter-contrastive loss, Eq 3), and k updates of D.
"""

from moegan_jax.errors import UserError
from moegan_jax.ops.arrays import on
from moegan_jax.systems import moegan
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """CCL from the sections of a configuration.

  Raises:
    UserError: settings that belong to MoEGAN.
  """
  if config.generator.experts != 1 or on(config.fsa.weight):
    raise UserError(
      'system=ccl has generator.experts=1 and fsa.weight=0; '
      'with more, set system=moegan and ccl.weight=1'
    )
  if not on(config.ccl.weight):
    raise UserError('system=ccl needs ccl.weight above 0')
  return moegan.build(config, spec)
