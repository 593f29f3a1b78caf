"""Values of settings that `train` refuses, lowers or accepts."""

import io

import pytest
from command_line import ROOT, assert_refused, call
from hypothesis import example, given, settings
from hypothesis import strategies as st
from training import ORACLE, SMALL, SMALL_RUN

from moegan_jax import config, data
from moegan_jax.cli import train
from moegan_jax.errors import UserError
from moegan_jax.experiment import settings as checks
from moegan_jax.experiment import train_app
from moegan_jax.experiment.reporter import Reporter
from moegan_jax.experiment.run import Run
from moegan_jax.files import flatten
from moegan_jax.store.workdir import Workdir

# Settings with a value that is out of range or unknown. The error names both.
VALUES = (
  ('num_seeds', -1),
  ('on_nan', 'stop'),
  ('max_rollbacks', -1),
  ('chunk_seconds', -1.0),
  ('checkpoint.every', float('nan')),
  ('checkpoint.keep', 0),
  ('data.oracle_seed', -1),
  ('data.sample_seed', -1),
  ('data.valid_share', 1.0),
  ('data.valid_share', float('nan')),
  ('data.limit', -1),
  ('data.train_size', 0),
  ('data.test_size', 0),
  ('data.length', 0),
  ('data.vocab_size', 0),
  ('data.oracle_dim', 0),
  ('generator.cell', 'gru2'),
  ('generator.init', 'xavier'),
  ('generator.embed', 0),
  ('log_every', 0),
  ('generator.latent', -1),
  ('discriminator.kind', 'rnn'),
  ('discriminator.embed', 0),
  ('discriminator.filters', 0),
  ('discriminator.features', -1),
  ('discriminator.representations', 3),
  ('discriminator.highway', 'yes'),
  ('discriminator.dropout', 1.0),
  ('discriminator.init', 'xavier'),
  ('mle.epochs', -1),
  ('mle.batch', 0),
  ('mle.lr', float('inf')),
  ('mle.lr', 1e300),
  ('mle.clip', 0.0),
  ('adversarial.steps', -1),
  ('adversarial.batch', 0),
  ('adversarial.g_steps', 0),
  ('adversarial.d_steps', 0),
  ('adversarial.d_lr', -1.0),
  ('adversarial.anchor', -1.0),
  ('adversarial.anchor', float('nan')),
  ('adversarial.mle_every', -1),
  ('game.form', 'minmax'),
  ('game.reduce', 'sum'),
  ('game.schedule', 'exponential'),
  ('game.beta', 0.0),
  ('game.relaxation', 'gumbel'),
  ('game.relaxation', 'soft_argmax'),
  ('game.feedback', 'harder'),
  ('game.route', 'reply'),
  ('game.weight', -1.0),
  ('game.top_k', -1),
  ('game.top_p', 0.0),
  ('unroll', -1),
  ('fsa.weight', -1.0),
  ('fsa.distance', 'l2'),
  ('fsa.reduce', 'all'),
  ('fsa.dropout', 'on'),
  ('ccl.weight', -1.0),
  ('mle.eval_every', -1),
  ('adversarial.eval_every', -1),
  ('eval.samples', 1),
  ('eval.final_samples', 0),
  ('eval.chunk', 0),
  ('eval.curve_samples', -1),
  ('eval.temperatures', ('hot',)),
)


@pytest.mark.usefixtures('no_training')
@pytest.mark.parametrize(('key', 'value'), VALUES)
def test_bad_value_is_named_with_its_key(key, value, tmp_path):
  given = f'{value!r}' if isinstance(value, tuple) else value
  argv = [f'--workdir={tmp_path / "run"}', *SMALL_RUN]
  argv.append(f'--config.{key}={given}')
  line = assert_refused(train, argv, silent=False)
  assert key.rpartition('.')[2] in line, line
  shown = str(value).strip('()').rstrip(',')
  assert shown in line, f'{shown!r} is not in {line!r}'
  assert not (tmp_path / 'run/checkpoints').exists()


def _any_value(old):
  """Returns a strategy for values of the type of a setting."""
  if isinstance(old, bool):
    return st.booleans()
  if isinstance(old, int):
    return st.integers(-2, 9) | st.just(-(2**40))
  if isinstance(old, float):
    odd = st.sampled_from((0.0, float('nan'), float('inf'), 1e300, -1.0))
    return odd | st.floats(-2, 2)
  if isinstance(old, str):
    return st.text(max_size=8)
  return st.lists(st.integers(-1, 9) | st.text(max_size=2), max_size=3).map(
    tuple
  )


BASE = config.override(config.load('moegan:small'), SMALL | ORACLE)
KEYS = {k: v for k, v in flatten(BASE.to_dict()).items() if k != 'init_from'}


@settings(max_examples=15)
@given(
  given_=st.sampled_from(sorted(KEYS)).flatmap(
    lambda key: st.tuples(st.just(key), _any_value(KEYS[key]))
  )
)
@example(given_=('data.oracle_file', 'a\n\0'))
@example(given_=('discriminator.embed', -1))
@example(given_=('discriminator.widths', ('a',)))
def test_any_value_is_accepted_or_refused_with_a_user_error(
  given_, tmp_path_factory
):
  """Any value of a setting builds a system or raises a `UserError`."""
  key, value = given_
  changed = BASE.copy_and_resolve_references()
  section, _, name = key.rpartition('.')
  (changed[section] if section else changed)[name] = value
  workdir = Workdir(tmp_path_factory.getbasetemp() / 'any')
  try:
    checks.check(changed)
    corpus = data.load(changed.data).corpus
    job = train_app.prepare(
      changed, corpus, workdir, Reporter(io.StringIO()), None
    )
  except UserError as error:
    assert str(error).strip()
  else:
    assert job.stages[-1].end >= 0 and job.shapes.players


def test_batch_is_lowered_to_the_size_of_a_small_file(tmp_path, monkeypatch):
  """The plan names the batch; config.json keeps the requested one."""
  (tmp_path / 'tiny.txt').write_text('a dog runs .\nthe cat sits .\n' * 13)
  built = []
  monkeypatch.setattr(Run, 'execute', lambda self: built.append(self) or '')
  code, out, err = call(
    train,
    f'--config={ROOT / "configs/mle.py"}:text',
    f'--config.data.path={tmp_path / "tiny.txt"}',
    f'--workdir={tmp_path / "run"}',
  )
  assert code == 0, err
  # Of 26 lines, 3 are test lines and 1 is a validation line.
  assert 'mle.batch=64 lowered to 22, the number of training lines' in out
  assert 'iterations, batch 22' in out
  (job,) = built
  assert job.system.phases['pretrain'].batch_size == 22
  config = Workdir(tmp_path / 'run', create=False).read_config()
  assert config['mle']['batch'] == 64
