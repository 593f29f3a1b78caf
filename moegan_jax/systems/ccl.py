"""CCL: counter-contrastive learning on one expert, without alignment.

Source: "Counter-Contrastive Learning for Language GANs" (Findings of EMNLP
2021). Its algorithm (G: generator, D: discriminator):

    pre-train G by maximum likelihood
    repeat:
      g times:  G <- Adam step that minimises L_G    (Eq 1)
                G <- Adam step that minimises L_CCL  (Eq 3), on the same batch
      k times:  D <- Adam step that minimises L_D    (Eq 1), on new batches

L_G and L_D are the relativistic losses. L_CCL pulls D's features of generated
text towards those of real text. It equals the `counter_contrastive` loss times
`ccl.weight`, which is 1 in the paper.
"""

from moegan_jax.errors import UserError
from moegan_jax.ops.arrays import on
from moegan_jax.systems.adversarial_setup import adversarial_setup
from moegan_jax.systems.contrast import Contrast
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """Builds CCL from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: several experts, no contrast, or a value out of range.
  """
  if config.generator.experts != 1:
    raise UserError(
      f'generator.experts={config.generator.experts} cannot be used with '
      'system=ccl; set --config.generator.experts=1, or --config.system=moegan '
      'and --config.ccl.weight=1'
    )
  if not on(config.ccl.weight):
    raise UserError(
      'ccl.weight=0 removes the loss of system=ccl; set a positive number'
    )
  setup = adversarial_setup(config, spec)
  contrast = Contrast.from_settings(setup.gan, **config.ccl)
  return setup.alternate(
    setup.generator_updates(
      after=contrast.generator_updates(setup.train.g_adam)
    ),
    setup.discriminator_updates(terms=contrast.discriminator_terms()),
  )
