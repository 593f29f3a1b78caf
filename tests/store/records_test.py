"""Records after crashes and after resuming at an earlier step."""

import json
import math

import jax.numpy as jnp
import pytest

from moegan_jax import errors
from moegan_jax.store.records import RecordWriter


def fill(path, tensorboard=False):
  log = RecordWriter(path, tensorboard=tensorboard)
  for step in (10, 20, 30):
    log.write('train', 'mle', step, {'loss': jnp.asarray([1.0, 2.0]) * step})
  log.close()
  return log


def test_every_line_is_a_strict_json_object(tmp_path):
  log = RecordWriter(tmp_path, tensorboard=False)
  values = {'loss': jnp.asarray([0.5, jnp.nan]), 'n': 3, 'up': -math.inf}
  log.write('eval', 'adversarial', jnp.asarray(5), values)
  (line,) = (tmp_path / 'metrics.jsonl').read_text().splitlines()
  record = json.loads(line, parse_constant=pytest.fail)
  assert record.pop('time') > 1e9
  assert record == {
    'kind': 'eval',
    'phase': 'adversarial',
    'step': 5,
    'loss': [0.5, 'nan'],
    'n': 3,
    'up': '-inf',
  }
  (read,) = log.read()
  assert math.isnan(read['loss'][1]) and read['up'] == -math.inf
  with pytest.raises(ValueError, match='step'):
    log.write('eval', 'mle', 6, {'step': 1.0})


def test_rewind_drops_later_records(tmp_path):
  log = fill(tmp_path)
  log.samples('mle', 20, ['a'])
  log.samples('a-b', 30, ['b'])
  before = log.read()
  log.rewind(20)
  assert log.read() == before[:2]
  assert [p.name for p in (tmp_path / 'samples').iterdir()] == ['mle-20.txt']
  log.write('train', 'mle', 25, {})
  assert [record['step'] for record in log.read()] == [10, 20, 25]


def test_rewind_keeps_special_floats(tmp_path):
  log = RecordWriter(tmp_path, tensorboard=False)
  log.write('train', 'mle', 1, {'x': math.inf})
  before = log.metrics.read_text()
  log.rewind(1)
  assert log.metrics.read_text() == before


@pytest.mark.parametrize('tail', ['{"kind": "tr', '{"kind": "tr\n', '\0\0\0'])
def test_incomplete_last_line_is_dropped(tmp_path, tail):
  log = fill(tmp_path)
  before = log.read()
  with log.metrics.open('a') as file:
    file.write(tail)
  assert log.read() == before
  log.rewind(30)
  assert log.metrics.read_text().count('\n') == 3
  assert log.read() == before


def test_incomplete_line_is_removed_before_appending(tmp_path):
  log = fill(tmp_path)
  with log.metrics.open('a') as file:
    file.write('{"kind"')
  log.write('train', 'mle', 40, {})
  assert [record['step'] for record in log.read()] == [10, 20, 30, 40]


def test_a_bad_line_in_the_middle_is_named(tmp_path):
  log = fill(tmp_path)
  lines = log.metrics.read_text().splitlines()
  log.metrics.write_text('\n'.join([lines[0], '[1]', lines[2]]) + '\n')
  with pytest.raises(errors.UserError, match=r'metrics\.jsonl, line 2'):
    log.read()


def test_run_without_records(tmp_path):
  log = RecordWriter(tmp_path)
  log.rewind(5)
  log.close()
  assert log.read() == [] and list(tmp_path.iterdir()) == []


def test_samples_are_written_one_sentence_per_line(tmp_path):
  log = RecordWriter(tmp_path)
  log.samples('mle', 7, ['a man .', '', 'two\nlines', 'größe'])
  path = tmp_path / 'samples' / 'mle-7.txt'
  assert path.read_text('utf-8') == 'a man .\n\ntwo lines\ngröße\n'


def test_disk_errors_are_user_errors(tmp_path):
  (tmp_path / 'file').write_text('')
  log = RecordWriter(tmp_path / 'file', tensorboard=False)
  with pytest.raises(errors.UserError, match=r'cannot write .*metrics'):
    log.write('train', 'mle', 1, {})
  with pytest.raises(errors.UserError, match='samples'):
    log.samples('mle', 1, ['a'])


def test_tensorboard_shows_means_without_rewound_records(tmp_path):
  log = fill(tmp_path, tensorboard=True)
  log.rewind(20)
  log.write('train', 'mle', 25, {'loss': 7.0})
  log.close()
  from tensorboardX import proto
  from tensorboardX.record_writer import masked_crc32c

  events = []
  for path in sorted((tmp_path / 'tensorboard').iterdir()):
    data = path.read_bytes()
    while data:
      size = int.from_bytes(data[:8], 'little')
      assert int.from_bytes(data[8:12], 'little') == masked_crc32c(data[:8])
      events.append(proto.event_pb2.Event.FromString(data[12 : 12 + size]))
      data = data[16 + size :]
  values = [
    (event.step, value.tag, value.simple_value)
    for event in events
    for value in event.summary.value
  ]
  assert sorted(values) == [
    (10, 'mle/loss', 15.0),
    (20, 'mle/loss', 30.0),
    (25, 'mle/loss', 7.0),
    (30, 'mle/loss', 45.0),
  ]
  starts = [e.step for e in events if e.HasField('session_log')]
  assert starts == [21]  # TensorBoard drops earlier events from here on
