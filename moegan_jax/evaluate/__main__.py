"""Entry point of python -m moegan_jax.evaluate."""

import sys

from moegan_jax.evaluate import main

sys.exit(main())
