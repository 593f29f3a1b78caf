"""RelGAN: relational memory, Gumbel-Softmax, many representations.

Nie et al. 2019. Pre-train G by maximum likelihood; then repeat g updates of G
and k updates of D, with l_D = mean over S of f(D(x_r), D(x_y)) and an inverse
temperature that grows as beta_max^(n / N). Any loss of the table can be f, and
an LSTM can stand in for the memory, as in the paper's ablations.
"""

from moegan_jax.systems.match import match
from moegan_jax.types import Spec, System


def build(config, spec: Spec) -> System:
  """RelGAN from the sections of a configuration: the game as it stands."""
  return match(config, spec).system()
