"""A toy MoEGAN whose switches the tests change."""

import toys

from moegan_jax import config, systems

B, T, V = 4, 5, 7
SPEC = systems.Spec(V, T, 22, pad=0)


def settings(**changes):
  """Returns the settings of a toy MoEGAN with an LSTM.

  Args:
    **changes: section__key=value, applied in order.
  """
  small = {'generator__embed': 3, 'generator__hidden': 3}
  small |= {'generator__head_size': 2, 'generator__mlp_layers': 1}
  small |= {'discriminator__hidden': 3}
  c = toys.settings('moegan', generator__cell='lstm', generator__experts=1)
  c.mle.update(epochs=1, batch=B)
  c.adversarial.update(steps=2, batch=B, d_steps=1, g_lr=1e-2, d_lr=1e-2)
  c.game.update(beta=10.0, horizon=2)
  sized = small | changes
  changes = {key.replace('__', '.'): value for key, value in sized.items()}
  sizes = {key.replace('__', '.') for key in small}
  return config.override(c, changes, optional=sizes)


def freeze(changes):
  """Returns changes as a hashable value, for caches."""
  return tuple(sorted(changes.items()))
