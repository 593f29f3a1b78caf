"""Trains a system: --config=NAME[:VARIANT] [--config.KEY=VALUE ...].

  moegan-jax train --config=moegan:coco,cpu --workdir=runs/first
  moegan-jax train --config=seqgan:text,cpu --config.data.path=my.txt

NAME is a config of the package (see --list) or the path of a config file.
VARIANT names a corpus and a scale, such as captions,smoke. The corpus `text`
is a file of your own, with a sentence per line. --config.KEY=VALUE changes a
setting. The same command resumes a run. For a run of several processes, start
the command once per process with --coordinator, --num_processes and
--process_id.
"""

import pathlib
import sys
from collections.abc import Sequence

from moegan_jax import config
from moegan_jax.cli.shared import Parser, changes_of, exit_code, joined
from moegan_jax.config.files import find, names
from moegan_jax.config.scales import CORPORA, SCALES
from moegan_jax.errors import UserError


def main(argv: Sequence[str] | None = None) -> int:
  """Runs the command line.

  Args:
    argv: arguments without the program name; default: sys.argv.

  Returns:
    Exit code: 0 done, 1 diverged, 2 bad input, 130 interrupted.
  """

  def work() -> int:
    arguments = sys.argv[1:] if argv is None else list(argv)
    options, rest = parser().parse_known_args(joined(arguments, '--config'))
    if options.list:
      print(listing(), end='')
      return 0
    settings = configuration(options.config, rest)
    # Importing JAX takes seconds, so errors of the command line come first.
    from moegan_jax.experiment.train_app import run
    from moegan_jax.train.processes import join

    join(
      options.coordinator,
      options.num_processes,
      options.process_id,
      options.cluster,
    )
    return run(settings, options.workdir or default_workdir(options.config))

  return exit_code(work)


def configuration(text: str | None, flags: Sequence[str]):
  """Returns the configuration that a command line selects.

  Args:
    text: value of --config
    flags: all --config.KEY=VALUE

  Raises:
    UserError: no such config, an unknown setting or flag, or a value of another
      type.
  """
  changes = changes_of(flags)  # first: it names a misspelt --config
  if not text:
    raise UserError(
      '--config is missing; set it to NAME[:VARIANT], such as '
      '--config=moegan:coco,cpu (--list lists all)'
    )
  return config.override(config.load(text), changes)


def default_workdir(text: str) -> str:
  """Returns runs/NAME-VARIANT for 'NAME:VARIANT' or 'NAME.py:VARIANT'."""
  path, _, variant = text.partition(':')
  name = pathlib.Path(path).stem
  variant = variant.replace(',', '-')
  return str(pathlib.Path('runs') / (f'{name}-{variant}' if variant else name))


def listing() -> str:
  """Lists the configs, corpora, scales and grids of the package."""
  lines = ['configs (--config=NAME)']
  width = max(map(len, names())) + 1
  for name in names():
    text = find(name).read_text(encoding='utf-8')
    first = text.partition('\n')[0].strip('"')
    lines.append(f'  {name:<{width}}{first}')
  for title, group in (
    ('corpora (--config=NAME:CORPUS; default coco)', CORPORA),
    ("scales (--config=NAME:CORPUS,SCALE; default the paper's)", SCALES),
    ('grids (moegan-jax sweep --grid=NAME)', names('sweeps')),
  ):
    lines += [title, f'  {", ".join(group)}']
  return '\n'.join(lines) + '\n'


def parser() -> Parser:
  """Builds the parser of the verb."""
  parser = Parser('train', __doc__)
  add = parser.add_argument
  add(
    '--config',
    metavar='NAME[:VARIANT]',
    help='config of the package, or path of a config file',
  )
  add(
    '--workdir',
    default='',
    metavar='FOLDER',
    help='folder of the run (default: runs/NAME-VARIANT)',
  )
  add(
    '--list',
    action='store_true',
    help='list configs, corpora, scales and grids',
  )
  add('--coordinator', metavar='HOST:PORT', help='address of the first process')
  add('--num_processes', type=int, metavar='N', help='number of processes')
  add('--process_id', type=int, metavar='I', help='index of this process')
  add(
    '--cluster',
    action='store_true',
    help='take address, number and index from the environment of a cluster',
  )
  return parser
