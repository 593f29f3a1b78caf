"""Trains a language GAN: python launch.py --config=configs/NAME.py[:VARIANT].

--workdir=FOLDER names the folder of the run (default: runs/NAME-VARIANT);
--config.KEY=VALUE changes a setting. All settings, with their defaults, are in
configs/common.py. Started several times with --coordinator, --num_processes and
--process_id, the processes train as one.
"""

import os
import pathlib
import re
import sys


def parse(argv: list[str]):
  """Configuration, workdir and arguments of `processes.join`.

  Raises:
    UserError: a flag, a config file or a setting that is wrong.
  """
  from absl import flags
  from ml_collections import config_flags

  from moegan_jax.cli import joined, wrong_flag
  from moegan_jax.errors import UserError

  argv = joined(argv, '--config')
  values = flags.FlagValues()
  config_flags.DEFINE_config_file(
    'config',
    None,
    'experiment: configs/NAME.py[:VARIANT]',
    flag_values=values,
    sys_argv=argv,  # where it looks for --config.KEY=VALUE
  )
  flags.DEFINE_string('workdir', '', 'folder of the run', flag_values=values)
  for name, text in (('num_processes', 'how many'), ('process_id', 'which')):
    flags.DEFINE_integer(name, None, f'{text} of several', flag_values=values)
  flags.DEFINE_string('coordinator', None, 'HOST:PORT', flag_values=values)
  flags.DEFINE_bool('cluster', False, 'ask it for these', flag_values=values)
  flags.DEFINE_bool('help', False, 'show this help', flag_values=values)
  given = [a.split('=', 1)[1] for a in argv[1:] if a.startswith('--config=')]
  if not given and '--help' not in argv and '-h' not in argv:
    raise UserError(
      '--config is missing; for example --config=configs/moegan_coco.py:cpu'
    )
  for text in given:
    if not pathlib.Path(text.partition(':')[0]).is_file():
      raise UserError(
        f'--config={text}: there is no file {text.partition(":")[0]}; '
        'the experiments are in the folder configs/'
      )
  try:
    rest = values(argv)
  except UserError:
    raise
  except Exception as error:  # absl and ml_collections raise all kinds
    raise UserError(f'command line: {wrong_flag(error, argv)}') from error
  if len(rest) > 1:
    raise UserError(f'command line: {rest[1]!r} is not a flag; see --help')
  if values.help or '-h' in argv:
    print(__doc__ + '\n' + values.get_help())
    return None, '', {}
  name = pathlib.Path(given[-1].partition(':')[0]).stem
  variant = given[-1].partition(':')[2].replace(',', '-')
  default = pathlib.Path('runs') / (f'{name}-{variant}' if variant else name)
  among = ('coordinator', 'num_processes', 'process_id', 'cluster')
  among = {flag: values[flag].value for flag in among}
  return values.config, values.workdir or str(default), among


def main(argv: list[str]) -> int:
  """Runs a command line; 0 done, 2 bad input, 1 diverged, 130 interrupted."""
  from moegan_jax.cli import exit_code

  def work() -> int:
    config, workdir, among = parse(argv)
    if config is None:
      return 0
    # Imported late: a wrong flag should not have to wait for JAX.
    from moegan_jax.train.processes import join
    from moegan_jax.train.program import run
    from moegan_jax.train.unread import check_read

    given = (re.match(r'--config\.([\w.]+)', flag) for flag in argv[1:])
    check_read(config, [key[1] for key in given if key])
    join(**among)
    return run(config, workdir)

  return exit_code(work)


if __name__ == '__main__':
  # XLA's notes about CPU features are of no use to anybody.
  os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '2')
  sys.exit(main(sys.argv))
