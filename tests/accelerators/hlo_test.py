"""Counts in the text of optimised modules, against counts by hand."""

import pathlib

import pytest

from moegan_jax.accelerators import hlo_bytes, hlo_counts, hlo_text, hlo_trips

FOLDER = pathlib.Path(__file__).parent
# A chunk: an outer loop whose number of trips is unknown runs `iteration`. It
# has a scan of 5 trips, a scan of 3 trips with one of 4 trips inside, and a
# conditional.
CHUNK = (FOLDER / 'chunk.hlo').read_text(encoding='utf-8')
FUSIONS = (FOLDER / 'fusions.hlo').read_text(encoding='utf-8')

GOT = '%{} = s32[] get-tuple-element(%{}), index={}'


@pytest.fixture(scope='module')
def chunk():
  return hlo_text.parse(CHUNK)


def test_kernels_are_multiplied_by_all_trip_counts(chunk):
  most, least, _ = hlo_counts.iteration(chunk)
  # Fusions: 5 in the first scan, 3 in the second, 2 in the large branch.
  assert most.kernels == {
    'fusion': 5 + 3 + 2,
    '__cublas$gemm': 5,
    'copy': 3 * 4,
    'all-reduce': 3 * 4,
    'all-gather': 1,
    'slice': 1,
  }
  assert most.launches == 41
  assert least.kernels['fusion'] == 5 + 3
  assert least.launches == 39


def test_loops_are_listed_with_the_loops_inside(chunk):
  loops = hlo_counts.iteration(chunk).loops
  found = [(x.depth, x.runs, x.trips, x.each.launches) for x in loops]
  assert found == [(0, 1, 5, 2), (0, 1, 3, 4 * 2 + 1), (1, 3, 4, 2)]


def test_collectives_are_counted_with_their_bytes(chunk):
  most = hlo_counts.iteration(chunk).most
  assert most.collectives == {'all-reduce': 12, 'all-gather': 1}
  # The operand of all-reduce, and the result of all-gather, float32.
  assert most.sent == {'all-reduce': 12 * 8 * 4, 'all-gather': 16 * 4}


def test_collectives_inside_of_fusions_are_counted():
  text = CHUNK.replace(
    'ROOT %product = f32[8]{0} multiply(%p0, %p1)',
    'ROOT %product = f32[4]{0} reduce-scatter(%p0), dimensions={0}',
  )
  most = hlo_counts.iteration(hlo_text.parse(text)).most
  assert most.collectives['reduce-scatter'] == most.kernels['fusion'] == 10
  assert most.sent['reduce-scatter'] == 10 * 8 * 4


def test_bytes_are_multiplied_by_all_trip_counts(chunk):
  array = 8 * 4
  fusion = 3 * array  # two operands and the result
  gemm = 3 * array + 16
  rest = 2 * 2 * array * 12  # copies and all-reduces
  rest += 2 * array + 2 * array
  found = hlo_counts.iteration(chunk)
  assert found.most.accessed == 10 * fusion + 5 * gemm + rest
  assert found.least.accessed == 8 * fusion + 5 * gemm + rest


def test_unknown_trip_counts_inside_of_an_iteration_count_once():
  text = CHUNK.replace('"known_trip_count":{"n":"4"},', '')
  found = hlo_counts.iteration(hlo_text.parse(text))
  assert found.most.kernels['copy'] == 3
  assert [loop.trips for loop in found.loops] == [5, 3, None]


COUNTING = """\
%more (t: (s32[], f32[8], s32[])) -> pred[] {
  %t = (s32[], f32[8]{0}, s32[]) parameter(0)
  %i = s32[] get-tuple-element(%t), index=0
  %n = s32[] constant(11)
  ROOT %less = pred[] compare(%i, %n), direction=LT
}

%body (t.1: (s32[], f32[8], s32[])) -> (s32[], f32[8], s32[]) {
  %t.1 = (s32[], f32[8]{0}, s32[]) parameter(0)
  %i.1 = s32[] get-tuple-element(%t.1), index=0
  %x.1 = f32[8]{0} get-tuple-element(%t.1), index=1
  %k.1 = s32[] get-tuple-element(%t.1), index=2
  %two.1 = s32[] constant(2)
  %next.1 = s32[] add(%i.1, %two.1)
  ROOT %out.1 = (s32[], f32[8]{0}, s32[]) tuple(%next.1, %x.1, %k.1)
}

ENTRY %main (x: f32[8], free: s32[]) -> (s32[], f32[8], s32[]) {
  %x = f32[8]{0} parameter(0)
  %free = s32[] parameter(1)
  %start = s32[] constant(1)
  %begin = s32[] copy(%start)
  %seven = s32[] constant(7)
  %in = (s32[], f32[8]{0}, s32[]) tuple(%begin, %x, %seven)
  ROOT %loop = (s32[], f32[8]{0}, s32[]) while(%in), condition=%more, body=%body
}
"""


@pytest.mark.parametrize(
  ('old', 'new', 'expected'),
  [
    ('', '', 5),  # 1, 3, 5, 7, 9
    ('constant(11)', 'constant(10)', 5),
    ('constant(11)', 'constant(1)', 0),
    # The limit and the step are carried by the loop.
    ('%n = s32[] constant(11)', GOT.format('n', 't', 2), 3),
    ('%two.1 = s32[] constant(2)', GOT.format('two.1', 't.1', 2), 2),
    # Nothing is known about these.
    ('tuple(%begin', 'tuple(%free', None),
    ('%begin, %x, %seven', '%begin, %x, %free', 5),
    ('direction=LT', 'direction=NE', None),
    ('add(%i.1', 'multiply(%i.1', None),
    ('constant(2)', 'constant(-2)', None),
    ('tuple(%next.1', 'tuple(%two.1', None),
  ],
)
def test_trip_counts_are_derived(old, new, expected):
  module = hlo_text.parse(COUNTING.replace(old, new) if old else COUNTING)
  main = hlo_trips.resolve(module).computations['main']
  assert main.instructions['loop'].trips == expected


def test_a_limit_that_the_loop_changes_is_unknown():
  text = COUNTING.replace('%n = s32[] constant(11)', GOT.format('n', 't', 2))
  for old, new in (('%x.1, %k.1)', '%x.1, %next.1)'), ('%seven)', '%free)')):
    module = hlo_text.parse(text.replace(old, new))
    main = hlo_trips.resolve(module).computations['main']
    assert main.instructions['loop'].trips is None


def test_constants_come_through_the_loops_and_branches_around():
  """The limit of `inner` is an element of the tuple of the outermost loop."""
  text = (FOLDER / 'nested.hlo').read_text(encoding='utf-8')

  def trips(text):
    module = hlo_trips.resolve(hlo_text.parse(text))
    inner = module.computations['branch'].instructions['inner']
    outer = module.computations['main'].instructions['outer']
    return outer.trips, inner.trips

  assert trips(text) == (None, 7)
  # The outermost loop changes the limit.
  changed = text.replace('%free.0, %limit.0)', '%free.0, %next.0)')
  assert changed != text and trips(changed) == (None, None)


def test_called_computations_and_asynchronous_calls_are_counted():
  call = '%scan.4 = (s32[], f32[8]{0}) call(%in.4), to_apply=%five\n'
  start = call.replace(' call(', ' async-start(').replace('to_apply', 'calls')
  line = next(x for x in CHUNK.splitlines() if '%scan.4 =' in x) + '\n'
  for new in (call, start):
    module = hlo_text.parse(CHUNK.replace(line, f'  {new}'))
    kernels = hlo_counts.iteration(module).most.kernels
    assert (kernels['__cublas$gemm'], kernels['fusion']) == (1, 1 + 3 + 2)


def test_what_starts_nothing_does_not_count():
  text = """\
    ENTRY %main (a: f32[4]) -> f32[2,2] {
      %a = f32[4]{0} parameter(0)
      %b = f32[2,2]{1,0} bitcast(%a)
      %c = f32[4]{0} custom-call(), custom_call_target="AllocateBuffer"
      %d = f32[4]{0} copy-done(%a)
      %e = token[] after-all()
      %g = s32[] constant(1)
      %h = s32[] add(%g, %g)
      ROOT %f = f32[2,2]{1,0} opt-barrier(%b)
    }
  """
  lines = [line.removeprefix('    ') for line in text.splitlines()]
  module = hlo_text.parse('\n'.join(lines))
  main = module.computations['main']
  found = main.instructions.values()
  assert len(found) == 8 and all(hlo_counts.is_free(x, main) for x in found)


def test_a_module_without_iterations_is_refused(chunk):
  with pytest.raises(ValueError, match='ENTRY'):
    hlo_text.parse('HloModule nothing')
  text = CHUNK.replace(
    'body=%iteration',
    'body=%iteration, backend_config={"known_trip_count":{"n":"9"}}',
  )
  with pytest.raises(ValueError, match='no loop over iterations'):
    hlo_counts.iteration(hlo_text.parse(text))


def test_transfers_and_dynamic_shapes_are_found(chunk):
  assert not hlo_counts.transfers(chunk) and not hlo_counts.dynamic(chunk)
  for new in (
    'f32[8]{0} custom-call(%y.1), custom_call_target="host_callback"',
    '((f32[8]{0}), token[]) infeed(%y.1)',
    'token[] outfeed(%y.1, %x.1), outfeed_config="x"',
    '(f32[8]{0}, u32[], token[]) send(%y.1, %x.1), channel_id=1',
  ):
    text = CHUNK.replace(
      '%w.1 = f32[8]{0} get-tuple-element(%z.1)', f'%w.1 = {new}'
    )
    assert hlo_counts.transfers(hlo_text.parse(text)) == ['w.1']
  for shape in ('f32[<=8]', 'f32[?]'):
    text = CHUNK.replace('%y.2 = f32[8]', f'%y.2 = {shape}')
    assert hlo_counts.dynamic(hlo_text.parse(text)) == ['y.2']


@pytest.mark.parametrize(
  ('text', 'sizes', 'names'),
  [
    ('%a = bf16[2,3]{1,0:T(8,128)(2,1)S(1)} copy(%b)', [12], ['b']),
    (
      '%a = (pred[5]{0}, s4[4]{0}, token[]) tuple(%b, %c)',
      [5, 2, 0],
      ['b', 'c'],
    ),
    ('ROOT %a = f8e4m3fn[] fusion(), kind=kLoop, calls=%f', [1], []),
    ('%a = f32[2]{0} constant({1, 2})', [8], []),
    ('%a.1-x = c64[2]{0} add(c64[2]{0} %b, c64[2]{0} %c)', [16], ['b', 'c']),
  ],
)
def test_instructions_are_read(text, sizes, names):
  module = hlo_text.parse(f'ENTRY %m (p: f32[]) -> f32[] {{\n  {text}\n}}')
  (one,) = module.computations['m'].instructions.values()
  assert [array.size for array in one.arrays] == sizes
  assert list(one.operands) == names and one.size == sum(sizes)


@pytest.mark.parametrize(
  ('name', 'expected'),
  [
    ('read', 16 + 4 + 16 + 16),  # a row of x
    ('near', 16 + 4 + 16),  # `fast` is not in the memory of the device
    ('fast', 16),
    ('written', 16 + 4 + 16),  # z, i and a row of the result
    ('pair', 16 + 32),
    ('plain', 2 * 16),
    ('part', 2 * 32),
    ('moved', 2 * 16),
    ('loaded', 16),
    ('product', 3 * 160),
  ],
)
def test_bytes_of_parts_of_arrays(name, expected):
  module = hlo_text.parse(FUSIONS)
  main = module.computations['main']
  one = main.instructions[name]
  assert hlo_bytes.accessed(one, main, module) == expected
