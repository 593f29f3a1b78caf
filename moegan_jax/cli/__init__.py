"""Command line: `moegan-jax VERB ...` or `python -m moegan_jax VERB ...`."""

import importlib
import sys
from collections.abc import Sequence

from moegan_jax.environment import prepare

# Verb -> description. The module of the same name in this package runs it.
VERBS = {
  'train': 'train a system, or resume a run',
  'sample': 'write samples of a run or an exported generator',
  'infill': 'fill in the blanks of texts with the generator of a run',
  'evaluate': 'measure text files against references',
  'compare': 'compare runs in one table',
  'sweep': 'run a grid of experiments',
  'export': 'export a generator as StableHLO',
  'compile': 'compile for an absent accelerator, and count kernels',
  'info': 'describe a run folder',
  'human-eval': 'make and score sheets for human evaluation',
}


def main(argv: Sequence[str] | None = None) -> int:
  """Runs a command line.

  Args:
    argv: arguments without the program name; default: sys.argv.

  Returns:
    The exit code of the verb; 2 for an unknown verb or without one.
  """
  argv = list(sys.argv[1:] if argv is None else argv)
  if argv[:1] == ['--version']:
    import moegan_jax

    print(moegan_jax.__version__)
    return 0
  if not argv or argv[0] in ('-h', '--help'):
    print(_help())
    return 0 if argv else 2
  if argv[0] not in VERBS:
    print(
      f'error: {argv[0]!r} is not a verb; choose one of {", ".join(VERBS)}',
      file=sys.stderr,
    )
    return 2
  prepare()  # before JAX is imported
  name = argv[0].replace('-', '_')
  module = importlib.import_module(f'moegan_jax.cli.{name}')
  return module.main(argv[1:])


def _help() -> str:
  """Returns the usage and the list of verbs."""
  lines = ['usage: moegan-jax VERB [flags]; moegan-jax VERB --help', '']
  lines += [f'  {verb:<12}{text}' for verb, text in VERBS.items()]
  return '\n'.join(lines)
