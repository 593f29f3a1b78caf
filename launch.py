"""Trains a language GAN: python launch.py --config=configs/NAME.py[:VARIANT].

The same as `moegan-jax train`, see --help.
"""

import sys

from moegan_jax.cli import main

if __name__ == '__main__':
  sys.exit(main(['train', *sys.argv[1:]]))
