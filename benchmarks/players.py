"""The matrix products of the players of a system, from its configuration."""

from benchmarks.products import (
  discriminator,
  generator,
)
from benchmarks.work import (
  Products,
  Work,
  join,
  repeated,
)
from moegan_jax.systems.networks import fitting_filters
from moegan_jax.types import Spec


def rollout(config, spec: Spec, n: int, soft: bool = False) -> Work:
  """Returns the work of sampling n sequences step by step.

  Args:
    config: configuration of the experiment
    spec: properties of the text
    n: number of sequences
    soft: whether the inputs of G are weights and not tokens
  """
  parts = generator(n, spec.vocab_size, soft=soft, **config.generator)
  each = join(parts.step, parts.readout)
  return join(parts.prepare, parts.begin, repeated(each, spec.length))


def forced(config, spec: Spec, n: int) -> Work:
  """Returns the work of teacher forcing n sequences, with a single readout."""
  one = generator(n, spec.vocab_size, soft=False, **config.generator)
  every = generator(
    n * spec.length, spec.vocab_size, soft=False, **config.generator
  )
  steps = repeated(one.step, spec.length)
  return join(one.prepare, one.begin, steps, every.readout)


def judge(config, spec: Spec, n: int, **options) -> Work:
  """Returns the work of D for n embedded sequences.

  Args:
    config: configuration of the experiment
    spec: properties of the text
    n: number of sequences
    options: of `products.discriminator`, beside the section `discriminator`
  """
  settings = judge_settings(config, spec)
  return discriminator(n, spec.length, **settings, **options)


def judge_settings(config, spec: Spec) -> dict:
  """Returns the section `discriminator` of the network that is built.

  Systems whose D reads tokens drop the filters that are wider than the text.
  """
  return fitting_filters(config.discriminator.to_dict(), spec.length)


def likelihood_step(config, spec: Spec, n: int | None = None) -> Products:
  """Returns the products of an update of G on real text.

  Args:
    config: configuration of the experiment
    spec: properties of the text
    n: number of sequences; default: `mle.batch`
  """
  return forced(config, spec, n or config.mle.batch).trained
