"""Lists the packages; pyproject.toml has everything else.

The folder `configs` is installed as `moegan_jax.configs`. Automatic discovery
finds packages by their folders only, so the list is computed here.
"""

from setuptools import find_packages, setup

CONFIGS = ['moegan_jax.configs', 'moegan_jax.configs.sweeps']

setup(packages=[*find_packages(include=['moegan_jax*']), *CONFIGS])
