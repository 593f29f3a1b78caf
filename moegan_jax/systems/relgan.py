"""RelGAN: relational memory, Gumbel-Softmax, many representations.

Source: Nie et al. 2019, "RelGAN: Relational Generative Adversarial Networks for
Text Generation".

    pre-train G by maximum likelihood
    repeat:
      g times:  G <- Adam step that minimises L_G
      k times:  D <- Adam step that minimises L_D, on new batches

L_D and L_G are means over S representations of elementwise functions of D(x_r)
and D(x_f), for real text x_r and relaxed samples x_f. `game.loss` selects both
from `losses.adversarial.LOSSES`. The inverse temperature of the samples grows
as beta_max^(n / N). As in an ablation of the paper, `generator.cell=lstm`
replaces the memory core.
"""

from moegan_jax.systems.adversarial_setup import adversarial_setup
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """Builds RelGAN from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: a value out of range.
  """
  setup = adversarial_setup(config, spec)
  return setup.alternate(
    setup.generator_updates(), setup.discriminator_updates()
  )
