"""Facts about a compiled phase, and the table of them."""

import json
import pathlib
from collections import Counter

import pytest

from moegan_jax.accelerators import facts, hlo_counts, table, targets
from moegan_jax.accelerators.lowering import ChunkProgram, ProgramMemory

CHUNK = pathlib.Path(__file__).with_name('chunk.hlo').read_text('utf-8')
H200, V5E = targets.accelerator('h200'), targets.accelerator('v5e')


def program(**changes):
  memory = ProgramMemory(2_000_000, 3_000_000, 1_500_000, 9_000_000, 500_000)
  given = {
    'phase': 'pretrain',
    'seconds': 1.23456,
    'devices': 2,
    'memory': memory,
    'products': 4.945e12,
    'one_pass': {},
    'text': CHUNK,
  }
  return ChunkProgram(**given | changes)


@pytest.fixture(scope='module')
def found():
  return facts.collect(program(), H200, 'platform')


def test_facts_are_json_and_complete(found):
  assert json.loads(json.dumps(found)) == found
  # Arguments, outputs, temporaries and code; the aliased part is counted once.
  assert found['memory']['total'] == 13_000_000
  assert found['memory']['share_of_device'] == pytest.approx(13e6 / 141e9)
  assert found['kernels']['most'] == 41 and found['kernels']['least'] == 39
  assert found['kernels']['by_kind']['__cublas$gemm'] == 5
  assert found['collectives']['all-reduce'] == {'number': 12, 'bytes': 384}
  assert found['loops'][2] == {
    'runs': 3,
    'trips': 4,
    'kernels_per_trip': 2,
    'depth': 1,
  }
  assert not found['host_transfers'] and not found['dynamic_shapes']


def counts(launches, accessed):
  return hlo_counts.Counts(
    Counter({'fusion': launches}), Counter(), Counter(), accessed
  )


@pytest.mark.parametrize(
  ('products', 'launches', 'accessed', 'by', 'seconds'),
  [
    (494.5e12 * 0.5, 1000, 4.8e12 * 0.1, 'products', 0.5),
    (494.5e12 * 0.1, 1000, 4.8e12 * 0.5, 'memory', 0.5),
    (494.5e12 * 0.1, 1_000_000, 4.8e12 * 0.1, 'launches', 3),
  ],
)
def test_the_bound_is_the_largest_part(
  products, launches, accessed, by, seconds
):
  found = facts.bound(products, counts(launches, accessed), H200, 'platform')
  assert found['by'] == by
  assert found['seconds'] == found[by] == pytest.approx(seconds)
  assert found['factors'] == 'tf32'


def test_launches_take_no_time_on_a_tpu():
  found = facts.bound(0, counts(10**9, 819e9), V5E, 'platform')
  assert found['launches'] == 0 and found['by'] == 'memory'
  assert found['seconds'] == pytest.approx(1)


def test_the_table_has_a_row_per_phase(found):
  other = facts.collect(
    program(phase='adversarial', one_pass={'flops': 2e9, 'bytes': 3e9}),
    H200,
    'float32',
  )
  text = table.table([found, other], H200.launch)
  head, first, second = text.splitlines()[:3]
  assert len({len(line) for line in (head, first, second)}) == 1
  # Compile time, memory, GFLOP, GB, kernels, bound.
  assert first.split() == [
    'pretrain',
    *('1.2', '2', '9', '1.5', '0.0%', '4,945', '<.001', '39-41', '10.0'),
  ]
  assert second.split()[-1] == '73.8'  # 4.945 TFLOP at 67 TFLOP/s
  assert '3 us (assumed)' in text and 'Nothing was run' in text
  for line in (
    '  loop            3 trips, 9 kernels each',
    '  loop              4 trips, 2 kernels each',
    '  one pass        2 GFLOP, 3 GB',
  ):
    assert line in text.splitlines()
  assert text.count('one pass ') == 1
  assert 'all-reduce 12' in text and 'others ' in text
  assert max(map(len, text.splitlines())) <= 110


def test_what_must_not_be_there_is_shown():
  text = CHUNK.replace(
    '%w.1 = f32[8]{0} get-tuple-element(%z.1)',
    '%w.1 = token[] outfeed(%z.1)',
  ).replace('%y.2 = f32[8]', '%y.2 = f32[<=8]')
  bad = facts.collect(program(text=text), V5E, 'platform')
  assert bad['host_transfers'] == bad['dynamic_shapes'] == 1
  lines = [' '.join(x.split()) for x in table.details(bad).splitlines()]
  assert 'host transfers 1' in lines and 'dynamic shapes 1' in lines


@pytest.mark.parametrize(
  ('value', 'expected'),
  [
    (0, '0'),
    (0.00001, '<.001'),
    (0.01234, '0.0123'),
    (9.876, '9.88'),
    (12.34, '12.3'),
    (1234.4, '1,234'),
  ],
)
def test_numbers(value, expected):
  assert table._number(value) == expected
