"""Measures of a file of samples: python -m moegan_jax.evaluate --help.

Text in, numbers out: no config and no JAX, unless a language model is asked
for. Samples of any system can be measured, a sentence a line.
"""

from moegan_jax.evaluate.command import main

__all__ = ['main']
