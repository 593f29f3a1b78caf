"""Checks and speed of the device that JAX has, within minutes."""
