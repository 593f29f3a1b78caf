"""Compares the formulas for operations with the products of traced programs."""

import jax
import pytest
from counted import SPEC, B, T, V, idle_positions, pooled, tiny, traced

from benchmarks import flops
from benchmarks.players import likelihood_step
from benchmarks.products import (
  convolution,
  discriminator,
  generator,
)
from benchmarks.work import (
  Product,
  dense,
  flop,
)
from moegan_jax import config, systems
from moegan_jax.train import operation_count
from moegan_jax.types import Spec

PLAYERS = ('generator', 'discriminator')


def readout(c, n):
  made = generator(n, V, soft=False, **c.generator)
  return flop(made.readout.forward)


def unread(c, n):
  """Returns the operations for gradients of frozen filters.

  They are traced, but the compiler removes them.
  """
  return sum((T - w + 1) * one for w, one in pooled(c, n).items())


GENERATORS = {
  'santoro': {},
  'relgan': {'generator_flavour': 'relgan', 'generator_gate': 'none'},
  'textgan, apart': {
    'generator_flavour': 'textgan',
    'generator_mlp_layers': 3,
    'generator_sharing': 'none',
  },
  'slots, blocks, mixed probabilities': {
    'generator_slots': 3,
    'generator_blocks': 2,
    'generator_key_size': 2,
    'generator_gate': 'memory',
    'generator_aggregation': 'prob_mean',
  },
  'gru': {'generator_cell': 'gru', 'generator_experts': 3},
  'mogrifier': {'generator_cell': 'mogrifier', 'generator_rounds': 3},
  'layers, tied': {
    'generator_cell': 'lstm',
    'generator_layers': 3,
    'generator_output': 'tied',
  },
}


@pytest.mark.parametrize('name', GENERATORS)
def test_likelihood_and_sampling(name):
  c = tiny(**GENERATORS[name])
  found = flop(likelihood_step(c, SPEC))
  assert traced(c, 'pretrain') == found
  system = systems.build(c, SPEC)
  state = jax.eval_shape(system.init, jax.random.key(0))
  sampled = operation_count.flops(lambda s: system.sample(s, s.key, B), state)
  wanted = flop(flops.sampling(c, SPEC, B))
  assert sampled == wanted
  assert flop(flops.sampling(c, SPEC, 5 * B)) == pytest.approx(5 * wanted)


def test_likelihood_with_latent_noise():
  c = tiny('textgan', generator_latent=2)
  found = flop(likelihood_step(c, SPEC))
  # The program also computes the gradient of the noise beside each token.
  beside = T * flop(dense(B, 2, 4 * c.generator.hidden).left)
  assert traced(c, 'pretrain') == found + beside


GAMES = {
  'moegan': ('moegan', {}),
  'relgan, after, anchor': (
    'relgan',
    {
      'discriminator_highway': 'tied',
      'game_route': 'after',
      'game_loss': 'standard',
      'generator_cell': 'gru',
      'adversarial_anchor': 0.1,
    },
  ),
  'contrast': (
    'ccl',
    {
      'ccl_updates': 'both',
      'discriminator_highway': 'none',
      'discriminator_features': 0,
      'generator_cell': 'lstm',
    },
  ),
  'straight through, apart from the encoder': (
    'moegan',
    {
      'game_relaxation': 'straight_through',
      'fsa_dropout': 'off',
      'game_loss': 'hinge',
      'generator_cell': 'lstm',
    },
  ),
  'recurrent': ('gsgan', {'discriminator_per_token': True}),
  'transformer': ('relgan', {'discriminator_kind': 'transformer'}),
}


@pytest.mark.parametrize('name', GAMES)
def test_steps_of_a_game(name):
  system, changes = GAMES[name]
  c = tiny(system, **changes)
  assert flops.uncovered(c) == ''
  g_steps, k = c.adversarial.g_steps, c.adversarial.d_steps
  judge = discriminator(B, T, **c.discriminator)
  rows = dense(B, V, c.discriminator.embed, T)
  hard = c.game.relaxation == 'straight_through'
  contrast = c.get('ccl', {}).get('weight', 0)
  fsa = c.get('fsa', {'weight': 0})
  encoder_off = fsa.get('dropout') == 'off'
  rollouts = 2 if contrast else 1

  # Update of G: operations of the program that the mathematics does not need.
  frozen = idle_positions(c, B) + unread(c, B)
  more = rollouts * frozen
  if hard:  # one-hot rows are multiplied
    more += flop(rows.forward)
  if c.game.route == 'after':  # removed by the compiler
    more += readout(c, B * T)
  if encoder_off:
    # D evaluates real text although the loss does not read it, and its second
    # evaluation of the samples has its own gradient.
    more += frozen + flop(judge.forward)
  elif not fsa['weight'] and c.game.loss == 'standard':
    more += flop(judge.forward)
  # If only features are read, the logit has no gradient.
  d = c.discriminator
  recurrent = d.kind == 'recurrent'
  width = d.hidden if recurrent else d.features or d.filters * len(d.widths)
  logit = 2 * B * width
  if encoder_off or contrast:
    more -= logit
  found = flop(flops.generator_step(c, SPEC))
  assert traced(c, 'adversarial', 'generator') == pytest.approx(
    g_steps * (found + more)
  )

  judged = 5 if contrast else 2
  again = 0 if hard else readout(c, B * T)  # logits are computed twice
  more = again + judged * 2 * idle_positions(c, B)
  if contrast:
    more -= 3 * 2 * logit
  found = flop(flops.discriminator_step(c, SPEC))
  assert traced(c, 'adversarial', 'discriminator') == pytest.approx(
    k * (found + more)
  )


def test_iteration_is_the_sum_of_its_steps():
  c = tiny(generator_cell='gru')
  whole, g, d = (traced(c, 'adversarial', part) for part in (None, *PLAYERS))
  assert whole == g + d
  g, d = flops.generator_step(c, SPEC), flops.discriminator_step(c, SPEC)
  whole = flop(flops.iteration(c, SPEC))
  assert whole == pytest.approx(2 * flop(g) + 3 * flop(d))


@pytest.mark.parametrize(
  'system, changes',
  [
    ('textgan', {}),
    ('slgan', {}),
    ('moegan', {'game_loss': 'wgan-gp'}),
    ('moegan', {'game_penalty': 1.0}),
    ('moegan', {'fsa_distance': 'wasserstein'}),
    ('moegan', {'adversarial_mle_every': 15}),
  ],
)
def test_states_why_there_is_no_formula(system, changes):
  assert flops.uncovered(tiny(system, **changes))


def test_products_by_hand():
  assert Product(2, 3, 5).flop == 60
  work = dense(2, 3, 5, 7)
  assert flop(work.trained) == 3 * 7 * 60
  assert work.left == (Product(2, 5, 3, 7),)
  assert work.right == (Product(3, 2, 5, 7),)
  # Five windows of width 2 over six tokens, but one maximum per filter.
  pooled = convolution(8, 6, 3, 2, 10)
  assert flop(pooled.forward) == 2 * 8 * 5 * 6 * 10
  assert flop(pooled.left) == flop(pooled.right) == 2 * 8 * 6 * 10


def test_figures_at_the_scale_of_the_papers():
  """An LSTM of the literature, by hand: V 5,000, T 20, H 32, batch 64."""
  c = config.load('mle:synthetic20')
  spec = Spec(5000, 20, 10_000)
  each = 32 * 4 * 32 * 2 + 32 * 5000  # two maps from 32 to 128, and the readout
  assert flop(likelihood_step(c, spec)) == 3 * 2 * 64 * 20 * each
