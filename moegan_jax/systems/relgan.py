"""RelGAN: relational memory, Gumbel-Softmax, many representations.

Nie et al. 2019. Pre-train G by maximum likelihood; then repeat g updates of G
and k updates of D, with l_D = mean over S of f(D(x_r), D(x_y)) and an inverse
temperature that grows as beta_max^(n / N). f can be any loss of
`losses.adversarial.LOSSES`, and an LSTM can replace the memory, as in the
paper's ablations.
"""

from moegan_jax.systems.adversarial_setup import adversarial_setup
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """RelGAN from the sections of a configuration.

  Raises:
    UserError: a value out of range.
  """
  setup = adversarial_setup(config, spec)
  return setup.alternate(
    setup.generator_updates(), setup.discriminator_updates()
  )
