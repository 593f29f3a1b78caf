"""Measures a file of samples: python -m moegan_jax.evaluate --help.

The samples of any system can be measured, one sentence a line. This package
needs no config, and JAX only for language models and for texts of a run.
"""

from moegan_jax.evaluate.command import main

__all__ = ['main']
