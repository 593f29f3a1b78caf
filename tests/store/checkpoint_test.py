"""Restored checkpoints are identical or reported as damaged."""

import resource
import shutil

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from trees import array, assert_identical

from moegan_jax import errors, files, types
from moegan_jax.store import checkpoint

SEEDS = 2


def make_state(seed=0):
  """Returns a TrainState with two players and a leading seed axis."""
  optimizer = optax.chain(optax.clip_by_global_norm(5.0), optax.adam(1e-2))

  def init(key):
    draw, rest = jax.random.split(key)
    params = {'cell': {'w': jax.random.normal(draw, (3, 4))}}
    params['half'] = jnp.arange(5, dtype=jnp.bfloat16) / 3
    gradients = jax.tree.map(lambda x: x + 1, params)
    _, opt_state = optimizer.update(gradients, optimizer.init(params))
    player = types.Player(params=params, opt_state=opt_state)
    return types.TrainState(
      step=jnp.asarray(7, jnp.int32),
      key=rest,
      players={'gen': player, 'disc': player},
      memory={
        'empty': {},
        'none': jnp.zeros((0, 3)),
        'mask': jnp.ones(2, bool),
      },
    )

  state = jax.vmap(init)(jax.random.split(jax.random.key(seed), SEEDS))
  return state.replace(step=state.step[0])


def raw(leaf):
  return array(leaf).tobytes()


def assert_same(a, b):
  assert jax.tree.structure(a) == jax.tree.structure(b)
  assert_identical(a, b)


@pytest.fixture
def said():
  return []


@pytest.fixture
def store(tmp_path, said):
  return checkpoint.Store(tmp_path / 'checkpoints', say=said.append)


def names(store):
  return sorted(path.name for path in store.directory.iterdir())


def small(value):
  return {'x': jnp.full((3,), value, jnp.float32)}


def test_train_state_is_restored_bit_for_bit_without_output(store, capfd):
  state = make_state()
  store.save('last', 7, state, {'phase': 'mle', 'best': [float('inf'), 2]})
  template = jax.eval_shape(make_state)
  for shape in (state, template):
    restored = store.restore('last', shape)
    assert restored.step == 7
    assert restored.meta == {'phase': 'mle', 'best': ['inf', 2]}
    assert_same(restored.tree, state)
  assert restored.tree.key.shape == (SEEDS,)
  # A committed step would be traced again.
  assert not restored.tree.step.committed
  jax.random.normal(restored.tree.key[0])  # is a usable key
  assert capfd.readouterr() == ('', '')


def test_restore_without_template_returns_nested_dicts(store):
  state = make_state()
  store.save('best', 1, state, {})
  tree = store.restore('best').tree
  opt_state = tree['players']['gen']['opt_state']
  want = state.players['gen'].opt_state[1][0].mu['cell']['w']
  assert raw(opt_state['1']['0']['mu']['cell']['w']) == raw(want)
  assert raw(tree['key']) == raw(state.key)


def test_special_floats_and_names_are_restored(store):
  nan = np.array([0x7FC12345, 0x80000000], np.uint32).view(np.float32)
  tree = {'a.b/c': nan, 'ß': [np.arange(2, dtype=np.int64)], '8': np.int8(-1)}
  tree['bf'] = jnp.asarray([1e-40, -0.0, jnp.inf], jnp.bfloat16)
  store.save('last', 0, tree, {})
  got = store.restore('last', tree).tree
  assert raw(got['a.b/c']) == nan.tobytes()
  assert got['ß'][0].dtype == np.int64  # JAX would cast it
  assert raw(got['bf']) == raw(tree['bf'])
  assert got['8'] == -1
  store.save('one', 0, jnp.arange(3), {})
  assert store.restore('one').tree.tolist() == [0, 1, 2]


def test_restored_arrays_may_be_donated(store):
  store.save('last', 1, small(2), {})
  tree = store.restore('last', small(0)).tree
  double = jax.jit(lambda t: jax.tree.map(lambda x: 2 * x, t), donate_argnums=0)
  assert double(tree)['x'].tolist() == [4, 4, 4]


def flip(path):
  data = bytearray(path.read_bytes())
  data[len(data) // 2] ^= 1
  path.write_bytes(data)


def truncate(path):
  path.write_bytes(path.read_bytes()[:-2])


@pytest.mark.parametrize('damage', [flip, truncate, lambda path: path.unlink()])
def test_damaged_checkpoint_is_named_and_the_previous_one_restored(
  store, said, damage
):
  state = make_state()
  store.save('last', 80, state, {})
  store.save('last', 120, make_state(1), {})
  folder = store.directory / 'last-120'
  files = [path for path in folder.rglob('*') if path.is_file()]
  assert len(files) > 5
  for path in files:
    said.clear()
    before = path.read_bytes()
    damage(path)
    restored = store.restore('last', state)
    assert restored.step == 80
    assert_same(restored.tree, state)
    # A folder without a manifest is no checkpoint.
    if (folder / checkpoint.MANIFEST).exists():
      (line,) = said
      assert line.startswith('checkpoint last-120 is damaged (file ')
      assert f'{path.relative_to(folder).as_posix()}: ' in line
      assert line.endswith('; using last-80')
    path.write_bytes(before)
  assert store.restore('last', state).step == 120


def reseal(folder, **more):
  """Updates the checksums of a changed checkpoint."""
  manifest = files.read_json(folder / checkpoint.MANIFEST)
  (folder / checkpoint.MANIFEST).unlink()
  kept = {k: v for k, v in manifest.items() if k not in ('files', 'sha256')}
  checkpoint._seal(folder, kept | more)


def test_checkpoint_of_another_version_is_named(store, said):
  for step in (80, 120):
    store.save('last', step, make_state(), {})
  folder = store.directory / 'last-120'
  reseal(folder, format=2)
  assert store.restore('last').step == 80
  assert 'last-120' in said[-1] and 'format 2' in said[-1]
  # An intact checkpoint with another layout, as of another version of Orbax.
  for path in folder.glob('state/_METADATA'):
    path.write_text('{"version": 99}')
  reseal(folder, format=1)
  assert store.restore('last').step == 80
  assert 'last-120' in said[-1] and 'orbax cannot read it' in said[-1]
  assert said[-1].endswith('using last-80') and '\n' not in said[-1]


def test_empty_checkpoint_or_file_in_its_place(store):
  for step in (80, 120, 130):
    store.save('last', step, small(step), {})
  shutil.rmtree(store.directory / 'last-120')
  (store.directory / 'last-120').mkdir()
  shutil.rmtree(store.directory / 'last-130')
  (store.directory / 'last-130').write_text('')
  assert store.restore('last').step == 80
  store.save('last', 120, small(1), {})
  assert store.restore('last').step == 120


def test_all_checkpoints_damaged_is_a_user_error(store, said):
  for step in (1, 2):
    store.save('last', step, small(step), {})
    flip(next((store.directory / f'last-{step}' / 'state').glob('_META*')))
  with pytest.raises(errors.UserError, match=r'last-2.*wrong.*last-1') as info:
    store.restore('last')
  assert '\n' not in str(info.value)
  assert len(said) == 1
  with pytest.raises(errors.UserError, match="no intact 'last'"):
    store.restore('last', step=2)


def test_stray_files_are_no_checkpoints(store):
  assert store.restore('last') is None and store.steps('last') == []
  store.save('last', 5, small(5), {})
  for name in ('99', 'last-99', 'last-x', 'last-06', 'last-', 'other-7'):
    (store.directory / name).mkdir()
  shutil.copytree(store.directory / 'last-5', store.directory / 'last-007')
  (store.directory / 'last-8').write_text('a file')
  assert store.steps('last') == [5]
  assert store.restore('last').step == 5
  assert store.restore('last', step=6) is None
  assert store.restore('best') is None
  store.save('last', 99, small(9), {})  # replaces the empty one
  assert store.restore('last').tree['x'].tolist() == [9, 9, 9]


def test_old_checkpoints_are_removed(store):
  for step in (10, 20, 30, 100):
    store.save('last', step, small(step), {}, keep=2)
    store.save('best', step, small(step), {}, keep=1)
    store.save('phase', step, small(step), {})
  assert store.steps('last') == [30, 100]
  assert store.steps('best') == [100]
  assert store.steps('phase') == [10, 20, 30, 100]
  assert store.restore('last', step=30).tree['x'][0] == 30
  # Resumed from 30, which makes checkpoint 100 obsolete.
  store.save('last', 40, small(40), {}, keep=2)
  assert store.steps('last') == [30, 40]
  with pytest.raises(ValueError, match='keep'):
    store.save('last', 50, small(0), {}, keep=0)


def test_checkpoint_of_the_same_name_is_replaced(store):
  store.save('last', 3, small(1), {'n': 1})
  store.save('last', 3, small(2), {'n': 2})
  restored = store.restore('last')
  assert restored.meta == {'n': 2} and restored.tree['x'][0] == 2
  assert names(store) == ['last-3']


def test_kill_while_replacing_keeps_a_checkpoint(store):
  store.save('best', 3, small(1), {})
  (store.directory / 'best-3').rename(store.directory / '.old-best-3')
  assert store.steps('best') == [3]
  assert store.restore('best').tree['x'][0] == 1
  store.save('last', 4, small(4), {})
  assert names(store) == ['best-3', 'last-4']
  assert store.restore('best').tree['x'][0] == 1
  shutil.copytree(store.directory / 'best-3', store.directory / '.old-best-3')
  store.save('last', 5, small(5), {})  # killed one rename later
  assert names(store) == ['best-3', 'last-4', 'last-5']


def test_leftovers_of_a_killed_save_are_ignored_then_removed(store):
  store.save('last', 1, small(1), {})
  shutil.copytree(store.directory / 'last-1', store.directory / '.tmp-last-2')
  assert store.steps('last') == [1]
  store.save('last', 3, small(3), {})
  assert names(store) == ['last-1', 'last-3']


@pytest.mark.parametrize(
  'change, text',
  [
    (lambda t: t | {'w': jnp.zeros((2, 3), jnp.bfloat16)}, 'w is float32'),
    (
      lambda t: t | {'w': jnp.zeros((3, 2))},
      r'w is float32 \[2, 3\].*\[3, 2\]',
    ),
    (lambda t: t | {'b': jnp.zeros(1)}, r'b is absent .* float32 \[1\]'),
    (lambda t: {'w': t['w'], 'k': t['k']}, r'n/0 is int32 \[\] .* absent'),
    (lambda t: t | {'k': jnp.zeros((2,), jnp.uint32)}, 'k is key<fry>'),
  ],
)
def test_mismatched_template_is_refused(store, said, change, text):
  tree = {'k': jax.random.key(0), 'n': [jnp.asarray(1)], 'w': jnp.ones((2, 3))}
  store.save('last', 1, tree, {})
  with pytest.raises(errors.UserError, match=text) as info:
    store.restore('last', change(tree))
  assert '\n' not in str(info.value)
  assert said == []


def test_full_disk_loses_nothing(store, capfd):
  store.save('last', 1, small(1), {})
  big = {'x': jax.random.normal(jax.random.key(0), (100_000,))}
  limits = resource.getrlimit(resource.RLIMIT_FSIZE)
  resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
  try:
    with pytest.raises(errors.UserError, match='cannot save') as info:
      store.save('last', 2, big, {}, keep=1)
  finally:
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)
  assert str(store.directory) in str(info.value)
  assert '\n' not in str(info.value)
  assert names(store) == ['last-1']
  assert store.restore('last').tree['x'][0] == 1
  assert capfd.readouterr() == ('', '')


def test_uncreatable_folder_is_a_user_error(tmp_path):
  (tmp_path / 'file').write_text('')
  store = checkpoint.Store(tmp_path / 'file' / 'checkpoints')
  with pytest.raises(errors.UserError, match='Not a directory'):
    store.save('last', 1, small(1), {})
  assert store.restore('last') is None


def test_no_leftovers_when_the_last_rename_fails(store, monkeypatch):
  store.save('last', 1, small(1), {})

  def refuse(*_):
    raise OSError(30, 'Read-only file system')

  with monkeypatch.context() as patch:
    patch.setattr(checkpoint.os, 'rename', refuse)
    with pytest.raises(errors.UserError, match='Read-only file system'):
      store.save('last', 2, small(2), {})
  assert names(store) == ['last-1']


@pytest.mark.parametrize(
  'name', ['[x]', 'a[0-9]', 'a\\b', 'gs:', 'a\udce9', '*']
)
def test_any_legal_folder_name_is_accepted(tmp_path, name):
  folder = tmp_path / name / 'checkpoints'
  folder.parent.mkdir()
  store = checkpoint.Store(folder)
  tree = {'a': np.arange(3), 'b': {'[c]': np.ones((2, 2))}}
  store.save('last', 1, tree, {'who': 'me'})
  found = checkpoint.Store(folder, say=pytest.fail).restore('last', tree)
  np.testing.assert_array_equal(found.tree['a'], tree['a'])
  np.testing.assert_array_equal(found.tree['b']['[c]'], tree['b']['[c]'])
  assert sorted(p.name for p in tmp_path.iterdir()) == [name]
