"""Trains a system: --config=NAME[:VARIANT] [--config.KEY=VALUE ...].

  moegan-jax train --config=moegan:coco,cpu --workdir=runs/first

NAME is a config of the package (see --list) or the path of a config file;
VARIANT names a corpus and a scale, such as captions,smoke. The same command
resumes a run. Started several times with --coordinator, --num_processes and
--process_id, the processes train as one.
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
  """Runs a command line, without the name of the program.

  Returns:
    0 done, 2 bad input, 1 diverged, 130 interrupted.
  """

  def work() -> int:
    given = sys.argv[1:] if argv is None else list(argv)
    options, rest = parser().parse_known_args(joined(given, '--config'))
    if options.list:
      print(listing(), end='')
      return 0
    settings = configuration(options.config, rest)
    # Imported late, so that a wrong flag is reported at once.
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
  """The configuration of --config and of all --config.KEY=VALUE.

  Raises:
    UserError: no such config, an unknown setting or flag, or a value of another
      type.
  """
  if not text:
    raise UserError(
      '--config is missing; for example --config=moegan:coco,cpu (--list shows '
      'all)'
    )
  return config.override(config.load(text), changes_of(flags))


def default_workdir(text: str) -> str:
  """runs/NAME-VARIANT of 'FILE.py:VARIANT'."""
  path, _, variant = text.partition(':')
  name = pathlib.Path(path).stem
  variant = variant.replace(',', '-')
  return str(pathlib.Path('runs') / (f'{name}-{variant}' if variant else name))


def listing() -> str:
  """The configs, corpora and scales of the package."""
  lines = ['configs (--config=NAME)']
  for name in names():
    text = find(name).read_text(encoding='utf-8')
    lines.append(f'  {name:<12}{text.partition(chr(10))[0].strip(chr(34))}')
  for title, found in (
    ('corpora (--config=NAME:CORPUS; default coco)', CORPORA),
    ("scales (--config=NAME:CORPUS,SCALE; default the paper's)", SCALES),
    ('grids (moegan-jax sweep --grid=NAME)', names('sweeps')),
  ):
    lines += [title, f'  {", ".join(found)}']
  return '\n'.join(lines) + '\n'


def parser() -> Parser:
  """The flags of the program."""
  made = Parser('train', __doc__)
  add = made.add_argument
  add('--config', metavar='NAME[:VARIANT]', help='a config, or its file')
  add(
    '--workdir',
    default='',
    metavar='FOLDER',
    help='folder of the run (default: runs/NAME-VARIANT)',
  )
  add('--list', action='store_true', help='list configs, corpora and scales')
  add('--coordinator', metavar='HOST:PORT', help='of the first process')
  add('--num_processes', type=int, metavar='N', help='number of processes')
  add('--process_id', type=int, metavar='I', help='of this process')
  add('--cluster', action='store_true', help='let the cluster tell these')
  return made
