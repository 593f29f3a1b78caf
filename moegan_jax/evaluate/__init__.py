"""Measures of text files, see `moegan-jax evaluate`."""
