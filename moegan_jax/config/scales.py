"""Variants of a config file: corpora and scales.

`--config=configs/relgan.py:coco,cpu` selects a corpus and a scale. The defaults
are coco and the scale of the paper.
"""

from collections.abc import Callable

from ml_collections import ConfigDict

from moegan_jax.config.compose import Text, compose, override
from moegan_jax.errors import UserError

# Variant -> (corpus, settings of its section `data`).
CORPORA: dict[str, tuple[str, dict]] = {
  'coco': ('coco', {}),  # MS COCO captions, 10,000 training lines
  'coco_iid': ('coco_iid', {}),  # both files of COCO, shuffled together
  'emnlp': ('emnlp', {}),  # EMNLP2017 WMT News, 278,586 training lines
  'captions': ('captions', {}),  # embedded grammar, known distribution
  'synthetic20': ('oracle', {}),  # LSTM oracle, V 5,000, T 20
  'synthetic40': ('oracle', {'length': 40}),
  'small': ('oracle', {'vocab_size': 500}),  # its scale is that of `_bench`
  'text': ('text', {}),  # a file of the user: --config.data.path=FILE
  'matrix': ('matrix', {}),  # a .npy file of ids
}


def experiment(
  system: str, paper: Callable[[ConfigDict], None], variant: str = ''
) -> ConfigDict:
  """Composes the configuration of a system on a corpus at a scale.

  Args:
    system: a key of config.training.SYSTEMS
    paper: sets the settings of the paper in place; it may read `config.data`
    variant: comma-separated names of CORPORA and SCALES, such as
      'captions,cpu', and settings, such as 'generator.cell=lstm'

  Raises:
    UserError: an unknown variant or setting, or two corpora.

  The order is: defaults, paper, settings of the variant, scales.
  """
  names = [name for name in (variant or '').split(',') if name]
  changes = dict(n.split('=', 1) for n in names if '=' in n)
  names = [n for n in names if '=' not in n]
  for name in names:
    if name not in (*CORPORA, *SCALES):
      raise UserError(
        f'config variant {name!r} is unknown; choose one of '
        + ', '.join((*CORPORA, *SCALES))
      )
  corpora = [n for n in names if n in CORPORA] or ['coco']
  if len(corpora) > 1:
    raise UserError(
      f'config variant {variant!r}: {" and ".join(corpora)} are two corpora; '
      'name one'
    )
  corpus, settings = CORPORA[corpora[0]]
  config = compose(system, corpus)
  for key, value in settings.items():
    config.data[key] = value
  if corpus == 'oracle':
    _synthetic(config)
  paper(config)
  if changes:
    config = override(config, {k: Text(v) for k, v in changes.items()})
  if corpora[0] == 'small':
    _bench(config)
  # The order of SCALES and not of the variant, because `cpu` would undo `s64`.
  for name, apply in SCALES.items():
    if name in names:
      apply(config)
  return config


def scale_steps(c: ConfigDict, steps: int) -> None:
  """Sets the number of adversarial iterations in place.

  Args:
    c: the configuration
    steps: number of iterations

  A schedule that ends with the run is rescaled. The inverse temperature of
  RelGAN has a horizon of 5,000 iterations at any length of the run. It is not
  rescaled, so a short run equals the beginning of the paper's.
  """
  for section in c.values():
    if (
      isinstance(section, ConfigDict)
      and section.get('horizon') == c.adversarial.steps
    ):
      section.horizon = max(2, steps)
  c.adversarial.steps = steps


def _synthetic(c: ConfigDict) -> None:
  """Sets the number of iterations on synthetic data, as in RelGAN's code."""
  if 'adversarial' in c:
    c.adversarial.steps = 3000


def _small_players(c: ConfigDict) -> None:
  """Reduces the sizes of the players for two CPU cores."""
  _lower(c.generator, embed=32, head_size=64, hidden=100, latent=32)
  if 'discriminator' in c:
    # Smaller networks do not reduce the cost of a representation on a CPU.
    _lower(c.discriminator, embed=64, hidden=100, representations=8)
    _first_widths(c.discriminator, 5)


def _first_widths(section: ConfigDict, count: int) -> None:
  """Keeps the filters of the first widths, where there are filters."""
  if 'widths' not in section:
    return
  filters = section.filters
  if isinstance(filters, tuple) and len(filters) == len(section.widths):
    section.filters = filters[:count]
  section.widths = section.widths[:count]


def _lower(section: ConfigDict, **limits: int) -> None:
  """Limits settings of a section to these values, where it has them."""
  for key, limit in limits.items():
    if key not in section:
      continue
    value = section[key]
    if isinstance(value, tuple):
      section[key] = tuple(min(x, limit) for x in value)
    else:
      section[key] = min(value, limit)


def _few_samples(
  c: ConfigDict, pretraining: int, negatives: int, rollouts: int
) -> None:
  """Reduces the work of systems whose discriminator reads tokens.

  Args:
    c: the configuration
    pretraining: limit of `pretraining` in any section, the length of a phase
      between likelihood and the adversarial phase
    negatives: limit of the samples in a pool
    rollouts: limit of the completions of a prefix
  """
  for section in c.values():
    if isinstance(section, ConfigDict):
      _lower(section, pretraining=pretraining)
  _lower(c.get('pool', {}), negatives=negatives)
  _lower(c.get('rollout', {}), samples=rollouts, chunk=rollouts)


def _few_steps(c: ConfigDict, epochs: int, steps: int, alone: int) -> None:
  """Shortens training and adapts batch sizes and learning rates to it.

  Args:
    c: the configuration
    epochs: epochs of likelihood before an adversarial phase
    steps: adversarial iterations after likelihood
    alone: epochs of a system that has one phase only
  """
  if c.mle.epochs:
    c.mle.update(batch=64, lr=5e-3)
    c.mle.epochs = epochs if 'adversarial' in c else alone
  if 'adversarial' not in c:
    return
  c.adversarial.batch = 64
  # A few hundred iterations at 1e-5 would hardly change the parameters.
  rates = [k for k in ('g_lr', 'd_lr') if k in c.adversarial]
  for key in rates:
    c.adversarial[key] = max(c.adversarial[key], 1e-4)
  if not c.mle.epochs:
    c.adversarial.g_lr = 5e-3
    steps = 156 * alone
  scale_steps(c, steps)


def _evaluate(c: ConfigDict, epochs: int, steps: int, alone: int) -> None:
  """Sets the intervals between evaluations.

  Args:
    c: the configuration
    epochs: epochs of likelihood between evaluations
    steps: adversarial iterations between evaluations, after likelihood
    alone: likewise, without likelihood
  """
  if c.mle.epochs:
    c.mle.eval_every = epochs
  if 'adversarial' in c:
    c.adversarial.eval_every = steps if c.mle.epochs else alone


def _bench(c: ConfigDict) -> None:
  """Applies the scale of `small`: minutes per run, from no paper."""
  _small_players(c)
  _lower(c.generator, head_size=32)
  _lower(c.get('catgan', {}), evaluations=2)
  if 'discriminator' in c:
    _lower(c.discriminator, filters=100)
  _few_steps(c, epochs=10, steps=150, alone=40)
  _few_samples(c, pretraining=20, negatives=256, rollouts=4)
  _evaluate(c, epochs=5, steps=50, alone=780)


def _cpu(c: ConfigDict) -> None:
  """Applies the scale `cpu`: about ten minutes on two cores."""
  _small_players(c)
  _lower(c.get('catgan', {}), evaluations=2)
  c.data.limit = 10_000
  _few_steps(c, epochs=8, steps=120, alone=20)
  _few_samples(c, pretraining=40, negatives=64, rollouts=2)
  _evaluate(c, epochs=4, steps=40, alone=624)


def _smoke(c: ConfigDict) -> None:
  """Applies the scale `smoke`: about a minute on two cores, to test a setup.

  Compilation dominates, and each filter width adds to it.
  """
  _cpu(c)
  _lower(c.generator, head_size=16)
  if 'widths' in c.get('discriminator', {}):
    _lower(c.discriminator, filters=32)
    _first_widths(c.discriminator, 2)
  c.data.limit = 2000
  _lower(c.data, train_size=2000, test_size=1000)
  if c.mle.epochs:
    c.mle.update(epochs=1, batch=32)
  if 'adversarial' in c:
    c.adversarial.batch = 16
    scale_steps(c, 10)
  _few_samples(c, pretraining=2, negatives=64, rollouts=2)
  _lower(c.get('rank', {}), references=8, comparisons=8)  # 16 rows, a batch
  _evaluate(c, epochs=0, steps=0, alone=0)
  c.eval.samples = 200
  c.eval.final_samples = 500
  c.eval.curve_samples = 200
  c.eval.temperatures = (0.6, 0.8, 1.0)


def _s64(c: ConfigDict) -> None:
  """Sets 64 representations in the discriminator, as in RelGAN's code."""
  if 'representations' not in c.get('discriminator', {}):
    raise UserError(
      f'config variant s64: the discriminator of system={c.system} has no '
      'representations; leave s64 out'
    )
  c.discriminator.representations = 64


SCALES: dict[str, Callable[[ConfigDict], None]] = {
  'cpu': _cpu,
  'smoke': _smoke,
  's64': _s64,
}
