"""Language GANs in JAX: adversarially trained generators of sequences."""

__version__ = '0.1.0'
