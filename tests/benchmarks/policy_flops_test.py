"""Compares the formulas of policy gradients with the traced programs."""

import math

import jax
import pytest
from counted import SPEC, V, idle_positions, tiny, traced

from benchmarks import flops, policy_flops
from benchmarks.players import rollout
from benchmarks.products import generator
from benchmarks.work import (
  dense,
  flop,
)
from moegan_jax import config, systems
from moegan_jax.experiment.forecast import operations
from moegan_jax.train import loop
from moegan_jax.types import Spec

ODD = Spec(V, 5, 40)
SMALL = Spec(500, 20, 10_000)


def inversion(spec, tokens):
  """Returns the products with triangular matrices that draw tokens."""
  width = math.isqrt(spec.vocab_size - 1) + 1
  count = -(-spec.vocab_size // width)
  return tokens * 2 * (count**2 + width**2)


def drawing(c, spec):
  """Returns the excess of the program in a batch of samples."""
  return inversion(spec, c.adversarial.batch * spec.length)


def completing(c, spec):
  """Returns the excess of the program in the completions of a batch."""
  n, run, length = c.adversarial.batch, c.rollout, spec.length
  chunks = run.samples / run.chunk
  one = generator(n, spec.vocab_size, soft=False, **c.generator)
  folded, read = flop(one.prepare.forward), flop(one.readout.forward)
  # For an even T the last prefix has a slot of its own.
  slots = length // 2
  idle = run.samples * (slots * length - length * (length - 1) / 2)
  more = idle * (flop(one.step.forward) + read)
  more += inversion(spec, n * run.samples * slots * length)
  more += chunks * folded
  if run.policy == 'ema':
    more += flop(one.step.forward)  # the average reads one token too many
  return more


def plain(c, spec):
  return drawing(c, spec)


def rewarded(c, spec):
  return drawing(c, spec) + completing(c, spec)


def mixed(c, spec):
  return c.maligan.samples * drawing(c, spec)


def features(c):
  d = c.discriminator
  if d.kind == 'recurrent':
    return d.hidden
  return d.representations * (d.features or 3 * len(d.widths))


def ranked(c, spec):
  """Adds the relevance of the comparisons, computed once per call of D."""
  run, rank = c.rollout, c.rank
  calls = run.samples / run.chunk * (spec.length - 1)
  each = dense(rank.comparisons, features(c), rank.references).forward
  return rewarded(c, spec) + calls * flop(each)


def compared(c, spec):
  """Adds the samples that are put into the memory."""
  return rewarded(c, spec) + drawing(c, spec) / c.adversarial.g_steps


def played(c, spec):
  return drawing(c, spec) / c.adversarial.g_steps


def pool(c, spec, beside=0):
  """Returns the excess of an update of D on a batch and `beside` texts."""
  n, negatives = c.adversarial.batch, c.pool.negatives
  batches = -(-negatives // n)
  # The last batch of samples is drawn whole.
  sampled = flop(rollout(c, spec, n).forward) * (batches - negatives / n)
  sampled += batches * drawing(c, spec)
  idle = 2 * idle_positions(c, n + beside, spec.length)
  return idle + sampled / policy_flops.pool_updates(c)


def ranker(c, spec):
  """Adds the second computation of the relevance of the batch."""
  rank, n = c.rank, c.adversarial.batch
  again = flop(dense(n, features(c), rank.references).trained)
  return pool(c, spec, rank.references + 2 * rank.comparisons) + again


def comparer(c, spec):
  """Adds the pairs of equal texts."""
  pairs = dense(c.adversarial.batch, c.sal.hidden, 3)
  return pool(c, spec) + flop(pairs.trained)


def prefixes(c, spec):
  """Adds the gradient of the constant sine waves."""
  d, n = c.discriminator, c.adversarial.batch
  waves = dense(n * spec.length, d.positions, 4 * d.hidden, 2)
  return drawing(c, spec) + flop(waves.left)


def replayed(c, spec):
  n = c.adversarial.batch
  return drawing(c, spec) + 2 * idle_positions(c, 2 * n, spec.length)


# name -> (system, changes, text, excess of the program per update of G and D)
CASES = {
  'seqgan': ('seqgan', {}, SPEC, rewarded, pool),
  'seqgan, odd length, live, gru, features, anchor': (
    'seqgan',
    {
      'rollout_policy': 'live',
      'rollout_samples': 4,
      'rollout_chunk': 2,
      'generator_cell': 'gru',
      'discriminator_embed': 96,
      'discriminator_representations': 2,
      'adversarial_anchor': 0.1,
    },
    ODD,
    rewarded,
    pool,
  ),
  'seqgan, memory, filters wider than the text': (
    'seqgan',
    {
      'generator_cell': 'rmc',
      'discriminator_embed': 96,
      'discriminator_widths': (1, 9, 2),
      'discriminator_filters': (3, 4, 5),
      'pool_negatives': 9,
    },
    ODD,
    rewarded,
    pool,
  ),
  'maligan': ('maligan', {}, SPEC, plain, pool),
  'maligan, mixed': (
    'maligan',
    {'maligan_form': 'mixed', 'maligan_samples': 3},
    SPEC,
    mixed,
    pool,
  ),
  'rankgan': ('rankgan', {}, SPEC, ranked, ranker),
  'rankgan, pooled filters': (
    'rankgan',
    {'discriminator_features': 0, 'rank_references': 1},
    ODD,
    ranked,
    ranker,
  ),
  'sal': ('sal', {}, SPEC, compared, comparer),
  'sal, recurrent': (
    'sal',
    {
      'discriminator_kind': 'recurrent',
      'generator_experts': 2,
      'sal_references': 3,
    },
    ODD,
    compared,
    comparer,
  ),
  'scratchgan': ('scratchgan', {}, SPEC, plain, prefixes),
  'coldgan': ('coldgan', {'coldgan_top_p': 0.9}, SPEC, played, replayed),
}


@pytest.mark.parametrize('name', CASES)
def test_steps(name):
  system, changes, spec, of_g, of_d = CASES[name]
  c = tiny(system, **changes)
  assert flops.uncovered(c) == ''
  g, d = flops.generator_step(c, spec), flops.discriminator_step(c, spec)
  steps, updates = c.adversarial.g_steps, flops.discriminator_updates(c)
  all_g = steps * (flop(g) + of_g(c, spec))
  all_d = updates * (flop(d) + of_d(c, spec))
  made_g = traced(c, 'adversarial', 'generator', spec)
  made_d = traced(c, 'adversarial', 'discriminator', spec)
  assert made_g == pytest.approx(all_g)
  assert made_d == pytest.approx(all_d)
  assert traced(c, 'adversarial', None, spec) == made_g + made_d
  whole = flop(flops.iteration(c, spec))
  assert whole == pytest.approx(steps * flop(g) + updates * flop(d))


def test_covers_all_systems_without_a_relaxation():
  assert policy_flops.STEPS.keys() == {CASES[name][0] for name in CASES}


@pytest.mark.parametrize('system', policy_flops.STEPS)
def test_states_why_there_is_no_formula(system):
  c = tiny(system, adversarial_mle_every=15)
  assert 'mle_every' in flops.uncovered(c)


def test_counts_of_a_run_at_the_small_scale():
  """The forecast of a run counts pools in passes, and prefixes in chunks."""
  c = config.load('seqgan:small')
  system = systems.build(c, SMALL)
  state = jax.eval_shape(lambda: loop.init_seeds(system.init, 0, 2))
  g, d = (f(c, SMALL) for f in (flops.generator_step, flops.discriminator_step))
  all_d = policy_flops.pool_updates(c) * (flop(d) + pool(c, SMALL))
  phases = system.phases.items()
  made = {name: operations(phase, state, 20) for name, phase in phases}
  assert made['discriminate'] == pytest.approx(all_d)
  all_g = flop(g) + rewarded(c, SMALL)
  all_d *= c.adversarial.d_steps
  assert made['adversarial'] == pytest.approx(all_g + all_d)


def test_figures_at_the_scale_of_the_papers():
  """SeqGAN, by hand: V 5,000, T 20, batch 64, 16 completions."""
  c, spec = config.load('seqgan:synthetic20'), Spec(5000, 20, 10_000)
  token = 2 * (2 * 32 * 128 + 32 * 5000)  # two maps to gates, and the readout
  filters = zip(c.discriminator.widths, c.discriminator.filters, strict=True)
  layers = 2 * (2 * 1720**2 + 1720)  # highway of all filters, and the logit
  verdict = sum(2 * (21 - w) * w * 64 * n for w, n in filters) + layers
  gates = 2 * 2 * 32 * 128
  by_hand = 64 * 20 * token * 4  # samples, and their policy gradient
  by_hand += 16 * 64 * 190 * token + 64 * 19 * gates  # and the moving average
  by_hand += 64 * (16 * 19 + 1) * verdict
  assert flop(flops.generator_step(c, spec)) == by_hand
  assert policy_flops.pool_updates(c) == 3 * 312
  assert flops.discriminator_updates(c) == 5 * 3 * 312
