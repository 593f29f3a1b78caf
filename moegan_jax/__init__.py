"""Language GANs in JAX: adversarially trained generators of sequences.

Examples:
  >>> import moegan_jax
  >>> run = moegan_jax.load('runs/moegan_coco-cpu')
  >>> run.sample(3), run.log_prob(['a man rides a horse .'])
"""

__version__ = '0.2.0'


def load(workdir, checkpoint: str = 'last', seed_index: int = 0):
  """Loads the trained system of a run; see `moegan_jax.trained.load`."""
  # Imported late: tools that need no JAX must not wait for it.
  from moegan_jax import trained

  return trained.load(workdir, checkpoint, seed_index)


__all__ = ['load']
