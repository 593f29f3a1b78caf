"""Ten iterations against an independent implementation, in float64.

The arrays of tests/golden/ come from a PyTorch version of RelGAN (memory core
and highway as in TextGAN-PyTorch) and of MoEGAN (two experts, alignment) that
shares no code with this package. It was given the same initial parameters, real
batches and Gumbel noise. Its RelGAN agrees with the classes `RelGAN_G` and
`RelGAN_D` of TextGAN-PyTorch to 1e-15 over 100 iterations.
"""

import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from moegan_jax import config, systems
from moegan_jax.types import Batch, Player

FOLDER = pathlib.Path(__file__).resolve().parents[1] / 'golden'
V, PAD = 9, 0
METRICS = {
  'g_loss': 'g_loss',
  'd_loss': 'd_loss',
  'generator_grad_norm': 'g_norm',
  'discriminator_grad_norm': 'd_norm',
  'fsa': 'fsa',
}


def settings(name):
  c = config.override(config.load(name), {'mle.epochs': 0})
  c.generator.update(embed=6, heads=2, head_size=4)
  c.discriminator.update(embed=4, representations=2, filters=5, features=6)
  c.discriminator.dropout = 0.0
  c.adversarial.update(batch=5, g_lr=1e-2, d_lr=1e-2)
  if name == 'relgan':
    c.generator.flavour = 'textgan'
    c.discriminator.highway = 'tied'
  return c


def names(params):
  """Returns path -> parameter with the names of the golden file."""
  return {
    jax.tree_util.keystr(path): value
    for path, value in jax.tree_util.tree_leaves_with_path(params)
  }


@pytest.fixture
def float64(quick_compilation, no_key_checks):
  """Computes in double precision."""
  jax.config.update('jax_enable_x64', True)
  yield
  jax.config.update('jax_enable_x64', False)


@pytest.mark.parametrize('name', ['relgan', 'moegan'])
def test_ten_iterations(name, float64):
  golden = np.load(FOLDER / f'{name}.npz')
  tokens = golden['tokens']  # [iterations, 1 + 5, B, T]
  spec = systems.Spec(V, tokens.shape[-1], 640, PAD)
  system = systems.build(settings(name), spec)
  phase = system.phases['adversarial']
  state = jax.jit(system.init)(jax.random.key(0))
  players = {
    player: Player(
      jax.tree_util.tree_map_with_path(
        lambda path, _, player=player: jnp.asarray(
          golden[f'start/{player}/{jax.tree_util.keystr(path)}'], jnp.float64
        ),
        made.params,
      ),
      None,
    )
    for player, made in state.players.items()
  }
  state = jax.jit(phase.enter)(state.replace(players=players))
  apply = jax.jit(phase.update.apply)
  for i, batch in enumerate(tokens):
    key = jax.random.fold_in(jax.random.key(7), i)
    state, metrics = apply(state, Batch(jnp.asarray(batch)), key)
    state = state.replace(step=state.step + 1)
    for ours, theirs in METRICS.items():
      if f'metrics/{theirs}' in golden:
        want = golden[f'metrics/{theirs}'][i]
        np.testing.assert_allclose(
          metrics[ours], want, rtol=1e-7, err_msg=f'{ours}, iteration {i + 1}'
        )
    if i + 1 not in (1, 10):
      continue
    for player, made in state.players.items():
      for path, value in names(made.params).items():
        np.testing.assert_allclose(
          value,
          golden[f'after{i + 1}/{player}/{path}'],
          atol=1e-8,
          err_msg=f'{player}{path} after {i + 1}',
        )
