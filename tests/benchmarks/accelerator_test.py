"""Tests the benchmark of a device: options, budget, checks and report."""

import json
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import cases
from benchmarks.accelerator import __main__ as program
from benchmarks.accelerator import checks, page, sections
from benchmarks.accelerator.sections import Section, Step
from moegan_jax import config
from moegan_jax.train.loop import Compiled
from moegan_jax.types import Player, System, TrainState

DONE = ('passed', 'measured')


@pytest.mark.parametrize(
  ('argv', 'says'),
  [
    (['--scale=large'], '--scale'),
    (['--minutes=0'], '--minutes'),
    (['--minutes=nan'], '--minutes'),
    (['--minutes=soon'], '--minutes'),
    (['--repeats=0'], '--repeats'),
    (['--out=/dev/null/x'], '--out=/dev/null/x'),
    (['--config=mle'], '--config=mle'),
  ],
)
def test_bad_input_is_one_line(capsys, argv, says):
  assert program.main(argv) == 2
  (error,) = capsys.readouterr().err.strip().splitlines()
  assert error.startswith('error: ') and says in error


def test_options():
  args = program.parser().parse_args([])
  assert (args.scale, args.minutes, args.repeats, args.out) == (
    *('paper', 8, 5),
    '',
  )


def test_help():
  found = subprocess.run(
    [sys.executable, '-m', 'benchmarks.accelerator', '--help'],
    capture_output=True,
    text=True,
    check=True,
  )
  assert '--minutes' in found.stdout


class Clock:
  """A clock that only steps advance."""

  def __init__(self):
    self.now = 100.0

  def __call__(self):
    return self.now

  def step(self, name, seconds, **values):
    def work():
      self.now += seconds
      return values

    return Step(name, work)


def run(plan, seconds, clock):
  """Returns the results of all sections as rows by section."""
  *_, found = sections.run(plan, seconds, lambda text: None, clock)
  return {section['name']: section['rows'] for section in found}, found


def test_a_section_ends_when_its_share_is_spent():
  clock = Clock()
  plan = [
    Section('a', 0.5, [clock.step(str(i), 20.0) for i in range(4)]),
    Section('b', 0.5, [clock.step('long', 70.0), clock.step('more', 1.0)]),
  ]
  rows, found = run(plan, 100.0, clock)
  # After 40 s another step of 20 s would exceed the 50 s of the section.
  assert [row['status'] for row in rows['a']] == [
    *('measured', 'measured'),
    *('skipped', 'skipped'),
  ]
  assert rows['a'][2]['reason'] == (
    '40 of 50 s are spent, and a step of this section took 20 s'
  )
  # A step that has started is finished, also beyond the budget.
  assert [row['status'] for row in rows['b']] == ['measured', 'skipped']
  assert rows['b'][1]['reason'] == '110 of 100 s are spent'
  assert [section['seconds'] for section in found] == [40.0, 70.0]
  assert sections.good(found)
  assert sections.summary(found) == '3 measured, 3 skipped'


def test_a_section_inherits_the_time_that_is_left():
  clock = Clock()
  plan = [
    Section('a', 0.5, [clock.step('short', 1.0)]),
    Section('b', 0.5, [clock.step(str(i), 45.0) for i in range(3)]),
  ]
  rows, _ = run(plan, 100.0, clock)
  assert [row['status'] for row in rows['b']] == [
    *('measured', 'measured'),
    'skipped',
  ]


@pytest.mark.parametrize('status', ['failed', 'error'])
def test_one_bad_step_does_not_end_the_others(status, capsys):
  def broken():
    raise RuntimeError('out of memory\nand more')

  clock = Clock()
  bad = Step('bad', broken)
  if status == 'failed':
    bad = clock.step('bad', 1.0, passed=False)
  plan = [Section('a', 1.0, [bad, clock.step('good', 1.0, passed=True)])]
  rows, found = run(plan, 9.0, clock)
  assert [row['status'] for row in rows['a']] == [status, 'passed']
  assert not sections.good(found)
  if status == 'error':
    assert rows['a'][0]['reason'] == 'RuntimeError: out of memory'
    assert 'in broken' in capsys.readouterr().err


def trained(monkeypatch, *results):
  """Makes training return metrics and parameters in this order."""
  left = list(results)
  state = TrainState(
    jnp.int32(0),
    jax.random.key(0),
    {'generator': Player({'w': jnp.ones(4)}, None)},
    {},
  )
  monkeypatch.setattr(checks.loop, 'init_seeds', lambda *args: state)
  monkeypatch.setattr(checks, '_train', lambda *args: left.pop(0))
  case = cases.Case(config.load('mle'), None, None, None)
  case = case._replace(system=System(None, {}, None, None))
  return checks.agreement(case, jax.devices()[0], jax.devices()[0])


def result(loss, weights):
  metrics = {'pretrain nll': np.array([4.0, loss]), 'pretrain norm': np.ones(2)}
  return metrics, {'generator': np.array([*weights, 1.0, 1.0])}


def test_deviations_are_relative(monkeypatch):
  found = trained(monkeypatch, result(3.0, (1.5, 1)), result(3.1, (1.6, 1)))
  # The largest value of the metric is 4; the parameters changed by .5.
  assert found['metrics'] == pytest.approx(0.1 / 4)
  assert found['worst_metrics'] == 'pretrain nll'
  assert found['parameters'] == pytest.approx(0.1 / 0.5)
  assert not found['passed']


@pytest.mark.parametrize(
  ('loss', 'weight', 'passed'),
  [
    (3.0, 1.5, True),
    (3.0 + 3e-3, 1.504, True),
    (3.0 + 5e-3, 1.5, False),
    (3.0, 1.506, False),
    (np.nan, 1.5, False),
    (3.0, np.nan, False),
  ],
)
def test_agreement_has_tolerances(monkeypatch, loss, weight, passed):
  other = result(loss, (weight, 1))
  found = trained(monkeypatch, result(3.0, (1.5, 1)), other)
  assert found['passed'] == passed


class Drifting:
  """Stands for a compiled chunk; each call may add a little."""

  def __init__(self, drift=0.0, hidden=False):
    self.drift, self.hidden, self.calls = drift, hidden, 0

  def __call__(self, state, count, corpus):
    """Trains; `hidden` state outside of the checkpoint decides the result."""
    self.calls += 1
    w = state.players['generator'].params + count
    w += self.drift * self.calls
    if self.hidden and self.calls == 4:  # after the checkpoint
      w += 1
    players = {'generator': Player(w, None)}
    return state.replace(step=state.step + count, players=players), None


@pytest.mark.parametrize(
  ('call', 'differ', 'unstable'),
  [
    (Drifting(), 0, 0),
    (Drifting(hidden=True), 1, 0),
    (Drifting(drift=0.5), 1, 1),
  ],
)
def test_resumed_training_is_compared_bit_for_bit(call, differ, unstable):
  players = {'generator': Player(jnp.ones(3), None)}
  state = TrainState(jnp.int32(0), jax.random.key(0)[None], players, {})
  made = cases.Prepared(None, 0, state, None)
  found = checks.resume(made, Compiled(call, 0.0, 0, None))
  assert (found['differ'], found['unstable']) == (differ, unstable)
  assert found['passed'] == (not differ and not unstable)
  assert found['arrays'] == 3 and call.calls == 4


REPORT = {
  'device': {
    'platform': 'cuda',
    'kind': 'NVIDIA H200',
    'devices': 1,
    'jax': '0.10.2',
    'backend': 'cuda 12090',
    'description': None,
    'peak_flops': None,
  },
  'reference_is_device': False,
  'scale': 'smoke',
  'setting': 'MoEGAN',
  'text': '9 lines of random words',
  'budget': 480.0,
  'seconds': 61.5,
  'peak_bytes': 3_000_000_000,
  'result': '1 failed, 1 measured, 1 skipped',
  'sections': [
    {
      'name': 'agreement',
      'seconds': 31.0,
      'rows': [
        {
          'name': 'mle',
          'status': 'failed',
          'metrics': 2e-7,
          'worst_metrics': 'pretrain nll',
          'parameters': 0.25,
          'worst_parameters': 'generator',
        },
        {'name': 'moegan', 'status': 'skipped', 'reason': '9 of 8 s | spent'},
      ],
    },
    {
      'name': 'steps',
      'seconds': 30.0,
      'rows': [
        {
          'name': 'MLE step',
          'status': 'measured',
          'median': 0.002,
          'low': 0.001,
          'high': 0.25,
          'kernels': 4200.0,
          'of_peak': 0.0123,
          'program_bytes': 2_500_000,
        },
      ],
    },
  ],
}


def test_page_has_a_table_for_each_section():
  lines = page.markdown(REPORT).splitlines()
  assert lines[0] == '# NVIDIA H200 (cuda), smoke scale'
  assert '* time: 61.5 of 480 s' in lines
  assert '* peak memory: 3,000 MB of the device' in lines
  assert '* device: peak unknown; jax 0.10.2; cuda 12090' in lines
  start = lines.index('## Agreement with the CPU (31 s)')
  assert lines[start + 2 : start + 6] == [
    '| what | metrics | largest in | parameters | largest in | result |',
    '| --- | ---: | ---: | ---: | ---: | ---: |',
    '| mle | 2.0e-07 | pretrain nll | 2.5e-01 | generator | failed |',
    '| moegan |  |  |  |  | skipped: 9 of 8 s / spent |',
  ]
  start = lines.index('## Step times (30 s)')
  assert lines[start + 2 : start + 5] == [
    '| what | ms | low | high | of peak | kernels | MB | result |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    '| MLE step | 2 | 1 | 250 | 1.23% | 4,200 | 2.5 | measured |',
  ]


@pytest.mark.slow
def test_agreement_of_differently_rounded_programs():
  """The reference has few optimizations, so that roundings differ."""
  case, device = checks.tiny('mle', memory=False), jax.devices()[0]
  found = checks.agreement(case, device, device)
  assert found['passed'] and found['parameters'] > 0


@pytest.mark.slow
@pytest.mark.usefixtures('own_cache')
def test_smoke_run(tmp_path, capsys, monkeypatch):
  monkeypatch.setattr(cases, 'LONG', 1e-3)
  out = tmp_path / 'new' / 'folder'
  flags = ['--scale=smoke', '--minutes=60', '--repeats=2', f'--out={out}']
  assert program.main(flags) == 0
  printed = capsys.readouterr().out
  assert (out / 'accelerator.md').read_text(encoding='utf-8') == printed
  report = json.loads((out / 'accelerator.json').read_text(encoding='utf-8'))
  rows = {s['name']: s['rows'] for s in report['sections']}
  assert list(rows) == ['agreement', 'resume', 'steps', 'seeds', 'variants']
  for row in (row for found in rows.values() for row in found):
    assert row['status'] in DONE, row
    assert f'| {row["name"]} |' in printed
  steps = {row['name']: row for row in rows['steps']}
  for name in ('MLE step', 'whole iteration'):
    row = steps[name]
    assert 0 < row['low'] <= row['median'] <= row['high']
    assert row['kernels'] > 0 and row['gflop'] > 0 and row['of_products'] > 0
  for row in (*rows['seeds'], *rows['variants']):
    assert row['ratio'] == pytest.approx(row['median'] / row['one'])
  assert all(row['passed'] for row in (*rows['agreement'], *rows['resume']))
