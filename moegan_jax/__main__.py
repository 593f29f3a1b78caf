"""`python -m moegan_jax VERB`, the same as `moegan-jax VERB`."""

import sys

from moegan_jax.cli import main

if __name__ == '__main__':
  sys.exit(main())
