"""Sampling and likelihoods of the generator of a system."""

from collections.abc import Callable

from moegan_jax import decode
from moegan_jax.ops import random
from moegan_jax.types import Array, Generator, Params, Spec, TrainState

# (own parameters of the generator, state) -> all parameters that it reads
View = Callable[[Params, TrainState], Params]


def own_parameters(params: Params, state: TrainState) -> Params:
  """Returns the parameters themselves: the view of most generators."""
  del state
  return params


def text_functions(
  spec: Spec, gen: Generator, view: View, unroll: int
) -> tuple[Callable[..., Array], Callable[..., Array]]:
  """Returns `System.sample` and `System.logits` of the player 'generator'.

  Args:
    spec: the properties of the corpus
    gen: the generator
    view: gives the parameters that it reads
    unroll: see `ops.devices.unroll`
  """

  def read(state: TrainState) -> Params:
    return view(state.players['generator'].params, state)

  def sample(state, key, n, temperature=1.0, first=0, labels=None, **options):
    return decode.sample(
      gen,
      read(state),
      random.row_keys(key, n, first),
      length=spec.length,
      temperature=temperature,
      context=gen.context(labels),
      unroll=unroll,
      **options,
    ).tokens

  def logits(state, tokens, temperature=1.0, key=None, first=0, labels=None):
    params = read(state)
    if gen.latent is not None and labels is None:
      own = None
      if key is not None:
        own = random.row_keys(key, tokens.shape[0], first)
      return decode.marginal(
        gen,
        params,
        tokens,
        temperature,
        draws=gen.draws,
        own=own,
        unroll=unroll,
      )
    given = decode.teacher_force(
      gen, params, tokens, context=gen.context(labels), unroll=unroll
    )
    return given / temperature

  return sample, logits
