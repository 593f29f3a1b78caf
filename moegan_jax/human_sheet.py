"""Runs the human evaluation: python -m moegan_jax.human_sheet.

See `moegan_jax.human` for the study, and --help for the command line.
"""

import sys

from moegan_jax.human.command import main

if __name__ == '__main__':
  sys.exit(main(sys.argv[1:]))
