"""Registered systems at toy size, compiled once for all tests."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import toys

from moegan_jax import systems
from moegan_jax.train import batches, loop
from moegan_jax.types import Update

B, T, V = 4, 5, 7
TRAIN_SIZE = 22  # an epoch has 5 batches; 2 rows are left for the next epoch
EPOCHS, STEPS = 2, 8
SEED, SEEDS = 3, 2
SPEC = systems.Spec(V, T, TRAIN_SIZE)
# A memory core compiles three times as long as an LSTM, so that only one system
# has it.
MEMORY = 'moegan-memory'
# A conditional generator; its corpus has labels.
CONDITIONAL = 'mle-conditional'
K = 2
LABELS = np.arange(TRAIN_SIZE, dtype=np.int32) % 3 % K
SHARES = tuple((np.bincount(LABELS) / TRAIN_SIZE).tolist())


def tiny(name):
  """Returns the settings of a system at toy size."""
  c = toys.settings(name.partition('-')[0], mle__epochs=EPOCHS, mle__batch=B)
  if name == CONDITIONAL:
    c = toys.change(c, generator__conditional=True)
  if c.generator.get('cell') == 'rmc' and name != MEMORY:
    c = toys.change(c, generator__cell='lstm', generator__hidden=3)
  if c.generator.get('latent'):
    c.generator.draws = 64
  if 'adversarial' in c:
    c.adversarial.update(steps=STEPS, batch=B)
    if 'd_steps' in c.adversarial:
      c.adversarial.d_steps = 2
  return c


def spec(name):
  """Returns the properties of the corpus of a system."""
  conditional = tiny(name).generator.get('conditional')
  return SPEC._replace(classes=SHARES) if conditional else SPEC


def corpus():
  rng = np.random.RandomState(0)
  return jnp.asarray(rng.randint(0, V, (TRAIN_SIZE, T)), jnp.int32)


def copy(state):
  """Returns a copy of a state whose arrays may be donated."""
  return jax.tree.map(jnp.copy, state)


def types(tree):
  """Returns the structure, shapes and types that a trace depends on."""
  leaves, structure = jax.tree.flatten(tree)
  return structure, [
    (x.shape, x.dtype, getattr(x, 'weak_type', False)) for x in leaves
  ]


class Toy:
  """A system with two seeds whose phases are compiled once for all tests."""

  def __init__(self, name):
    self.system = systems.build(tiny(name), spec(name))
    self.tokens = self.corpus = corpus()
    if self.system.classes:
      self.corpus = jnp.asarray(batches.with_labels(self.tokens, LABELS))
    self.logits = jax.jit(self.system.logits)
    critique = self.system.critique
    self.critique = jax.jit(critique) if critique else None
    self.initial = loop.init_seeds(self.system.init, SEED, SEEDS)
    self.starts, self.entered, self.traces = {}, {}, {}
    self._calls = {}
    state, at = copy(self.initial), 0
    for phase_name, phase in self.system.phases.items():
      self.starts[phase_name] = at
      self.entered[phase_name] = loop.enter(phase, state)
      compiled = loop.compile_chunk(
        phase._replace(update=self._counted(phase_name, phase.update)),
        at,
        self.entered[phase_name],
        self.corpus,
      )
      self._calls[phase_name] = compiled.call
      state, _ = self.run(phase_name, self.entered[phase_name], phase.steps)
      at += phase.steps

  def _counted(self, phase_name, update):
    self.traces[phase_name] = 0

    def apply(*args):
      self.traces[phase_name] += 1  # runs while JAX traces, and only then
      return update.apply(*args)

    return Update(update.batches, apply)

  def run(self, phase_name, state, *counts):
    """Runs chunks of these lengths; returns the last state and report.

    The given state is not donated.
    """
    state = copy(state)
    for count in counts:
      state, report = self._calls[phase_name](
        state, jnp.int32(count), self.corpus
      )
    return state, report

  def answers(self, state):
    """Returns the logits and judgements of the corpus by one seed's players."""
    values = [np.asarray(self.logits(state, self.tokens, 1.0))]
    if self.system.classes:
      given = self.logits(state, self.tokens, 1.0, labels=LABELS)
      values.append(np.asarray(given))
    if self.critique is None:
      return values
    return [*values, *self.judgements(state, self.tokens)]

  def judgements(self, state, tokens):
    """Returns features and logits of the discriminator, a row per sentence."""
    found = self.critique(state, tokens)
    said = [found.features]
    said += [] if found.logits is None else [found.logits]
    return [np.asarray(x).reshape(len(tokens), -1) for x in said]


def member(state, i):
  """Returns the state of one seed."""
  # A clone, because JAX's check of key reuse counts every read of a key.
  key, players, memory = jax.tree.map(
    lambda x: x[i],
    (jax.random.clone(state.key), state.players, state.memory),
  )
  return state.replace(key=key, players=players, memory=memory)


@functools.cache
def toy(name):
  return Toy(name)


@functools.cache
def trained(name):
  """Returns the state of seed 0 after all phases."""
  made = toy(name)
  last = list(made.system.phases)[-1]
  state, _ = made.run(last, made.entered[last], 3)
  return member(state, 0)


@functools.cache
def functions(name):
  """Returns compiled functions for samples and logits of a trained system."""
  made, state = toy(name), trained(name)
  sampler = jax.jit(made.system.sample, static_argnums=2)

  def sample(seed, n, temperature=1.0, first=0, **given):
    key = jax.random.key(seed)
    return np.asarray(sampler(state, key, n, temperature, first, **given))

  def logits(tokens, temperature=1.0, **given):
    return np.asarray(made.logits(state, tokens, temperature, **given))

  return sample, logits
