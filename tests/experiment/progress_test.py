"""Progress lines on terminals and in files."""

import io
import math

import pytest

from moegan_jax.experiment import progress


class Terminal(io.StringIO):
  def isatty(self):
    return True


class Clock:
  now = 100.0

  def __call__(self):
    return self.now


@pytest.mark.parametrize(
  'seconds, text',
  [
    (0, '0s'),
    (59.4, '59s'),
    (59.6, '1m00s'),
    (185, '3m05s'),
    (3599.9, '1h00m'),
    (7500, '2h05m'),
    (97_200, '1d03h'),
    (math.nan, '?'),
    (math.inf, '?'),
    (-1, '?'),
  ],
)
def test_format_duration(seconds, text):
  assert progress.format_duration(seconds) == text


@pytest.mark.parametrize(
  'rate, text',
  [
    (12.345, '12.3 it/s'),
    (0.25, '4 s/it'),
    (0, '? it/s'),
    (math.nan, '? it/s'),
  ],
)
def test_format_rate(rate, text):
  assert progress.format_rate(rate) == text


def test_format_line():
  line = progress.format_line('mle', 50, 200, 2.5, {'loss': 0.6931, 'n': 3})
  assert line == 'mle 50/200, 2.5 it/s, ETA 1m00s, loss 0.6931, n 3'
  line = progress.format_line('mle', 200, 200, 2.5, {})
  assert line == 'mle 200/200, 2.5 it/s'
  line = progress.format_line('', 0, 0, math.nan, {'loss': math.nan}, bar=True)
  assert line == f'[{"." * progress.BAR}] 0/0, loss nan'
  line = progress.format_line('mle', 1, 2, 1.0, {}, bar=True)
  assert line == 'mle [##########..........] 1/2, 1 it/s, ETA 1s'


def test_plain_lines_come_at_start_in_intervals_and_at_end():
  stream, clock = io.StringIO(), Clock()
  bar = progress.Progress(stream, 40, label='mle', clock=clock)
  for step in range(1, 41):
    clock.now += 4
    bar.update(step, 4.0, {'loss': step})
  bar.close()
  lines = stream.getvalue().splitlines()
  shown = [int(line.split()[1].split('/')[0]) for line in lines]
  assert shown == [1, *range(4, 41, 3)]
  assert lines[0] == 'mle 1/40, 4 s/it, ETA 2m36s, loss 1'
  assert lines[-1] == 'mle 40/40, 4 s/it, loss 40'


def test_rate_excludes_compilation():
  bar = progress.Progress(io.StringIO(), 100)
  bar.update(10, 0.0, {})
  assert math.isnan(bar.rate)
  bar.update(20, 5.0, {})
  assert bar.rate == 2.0


def test_rate_follows_recent_iterations_after_a_resume():
  bar = progress.Progress(io.StringIO(), 1000, start=500)
  bar.update(510, 1.0, {})
  assert bar.rate == 10.0
  for step in range(511, 600):
    bar.update(step, 1.0, {})
  assert bar.rate == pytest.approx(1.0)


def test_terminal_line_is_redrawn_and_truncated(monkeypatch):
  monkeypatch.setenv('COLUMNS', '30')
  stream = Terminal()
  bar = progress.Progress(stream, 2, label='mle')
  bar.update(1, 1.0, {'loss': 1.0})
  bar.note('a note')
  bar.update(2, 1.0, {'loss': 0.5})
  bar.close()
  bar.close()
  first = 'mle [##########..........] 1/2'[:29]
  last = 'mle [####################] 2/2'[:29]
  clear = '\r\x1b[K'
  assert stream.getvalue() == (
    f'{clear}{first}{clear}a note\n{clear}{first}{clear}{last}\n'
  )


def test_notes_outside_a_terminal_are_plain():
  stream = io.StringIO()
  progress.Progress(stream, 2).note('a note')
  assert stream.getvalue() == 'a note\n'
