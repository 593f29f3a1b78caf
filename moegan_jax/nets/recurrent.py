"""Recurrent generators: one cell, or a mixture of several experts."""

from collections.abc import Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError, unknown
from moegan_jax.nets import classes as nets_classes
from moegan_jax.nets.cells import Cell
from moegan_jax.nets.initializers import Initializers
from moegan_jax.nets.word_vectors import WordVectors
from moegan_jax.ops import random
from moegan_jax.types import Array, Generator, Params

# Embedding of the end symbol when it is an input; see `recurrent`.
END_INPUTS = ('zero', 'learned')
# Weights of the readout; see `recurrent`.
OUTPUTS = ('own', 'tied')
# Prior of the latent noise -> function from standard normal rows to its rows.
PRIORS = {
  'normal': lambda z: z,
  # Phi(z) is uniform on [0, 1].
  'uniform': lambda z: jax.lax.erf(z * 0.5**0.5),
}


def recurrent(
  cell: Cell,
  *,
  vocab_size: int,
  embed_dim: int,
  init: Initializers,
  latent: int = 0,
  prior: str = 'normal',
  pad: int | None = None,
  end_input: str = 'zero',
  output: str = 'own',
  vectors: WordVectors | None = None,
  classes: Sequence[float] = (),
) -> Generator:
  """Builds a generator from embedding, input projection, cell and readout.

  Args:
    cell: the recurrent cell
    vocab_size: V
    embed_dim: E
    init: initialisers
    latent: Z, width of the noise vector z; 0 for none. The first hidden state
      is then tanh(W z), and z is fed at each step beside the token (TextGAN,
      Zhang et al. 2017, Eq 7-8).
    prior: distribution of z, 'normal' or 'uniform' on [-1, 1]
    pad: id that ends a sequence; None if there is none
    end_input: embedding of `pad` when it is an input. 'zero' is a constant zero
      vector, so that after the end every row receives the same input at every
      step. 'learned' is a row of the table like any other, as in the code of
      RelGAN (models/rmc_vanilla.py, `g_emb`).
    output: weights of the readout. 'own' is a map H -> V. 'tied' is a map to
      the size of the embedding, multiplied by the embedding of each word
      (ScratchGAN, Masson d'Autume et al. 2019).
    vectors: F frozen columns of the embedding beside the E trained ones; None
      for none. Their gradient is zero, so Adam leaves them unchanged.
    classes: shares of the K classes; () for a generator without classes. The
      one-hot class is fed at each step beside the token, so that rows of
      'input' are the embeddings of the classes (CatGAN, Liu et al. 2020).

  Returns:
    A Generator. Its parameters are a dict of the groups 'embed' [V + 2, E],
    'input' (E + F + Z + K -> input of the cell), 'core' (the cell), 'head' (H
    -> V, or H -> E + F and a bias [V] if tied), 'latent' (W) with Z > 0, and
    'frozen' [V + 2, F] with F > 0.

  Raises:
    UserError: latent noise for a cell that has no `seed` or beside classes, or
      an unknown prior, end_input or output.

  The maps that a cell applies to its input alone are affine in the embedding.
  `prepare` multiplies them out to one map, the group 'folded', which costs a
  tenth of its factors per step. The carry is the cell's state, and z or class.
  """
  if latent < 0 or (latent and cell.seed is None):
    raise UserError(
      f'generator.latent={latent} must not be negative, and only the cells '
      'lstm and gru can start from latent noise'
    )
  if latent and classes:
    raise UserError(
      f'generator.conditional=True with generator.latent={latent} is not '
      'supported: set --config.generator.latent=0 or leave out '
      'generator.conditional'
    )
  if prior not in PRIORS:
    raise unknown('generator.prior', prior, PRIORS)
  if end_input not in END_INPUTS:
    raise unknown('generator.end_input', end_input, END_INPUTS)
  if output not in OUTPUTS:
    raise unknown('generator.output', output, OUTPUTS)
  tied = output == 'tied'
  width = embed_dim + (vectors.size if vectors else 0)
  beside = latent + len(classes)  # inputs of a step beside the embedding
  seed = cell.seed if latent else None
  masked = pad if end_input == 'zero' else None
  project = nn.Dense(
    cell.input_width, kernel_init=init.linear, bias_init=init.bias
  )
  head = nn.Dense(
    width if tied else vocab_size,
    use_bias=not tied,
    kernel_init=init.linear,
    bias_init=init.bias,
  )
  first = nn.Dense(cell.width, kernel_init=init.linear, bias_init=init.bias)

  def init_params(key: Array) -> Params:
    k_embed, k_input, k_core, k_head = jax.random.split(key, 4)
    u = jnp.zeros((1, cell.input_width))
    x = jnp.zeros((1, width + beside))
    params = {
      'embed': init.embedding(k_embed, (vocab_size + 2, embed_dim)),
      'input': project.init(k_input, x)['params'],
      'core': cell.module.init(k_core, cell.initial(1), u)['params'],
      'head': head.init(k_head, jnp.zeros((1, cell.width)))['params'],
    }
    if latent:
      # Like a fifth part of the split above, without changing the other four.
      k_latent = jax.random.fold_in(key, 4)
      z = jnp.zeros((1, latent))
      params['latent'] = first.init(k_latent, z)['params']
    if tied:
      k_bias = jax.random.fold_in(key, 5)
      params['head'] |= {'bias': init.bias(k_bias, (vocab_size,))}
    if vectors:
      params['frozen'] = vectors.init(jax.random.fold_in(key, 6))
    return params

  def tables(params: Params) -> list[Array]:
    """Returns the column blocks of the embedding, [V + 2, F] and [V + 2, E]."""
    if not vectors:
      return [params['embed']]
    return [jax.lax.stop_gradient(params['frozen']), params['embed']]

  def prepare(params: Params) -> Params:
    """Adds kernel [E + Z + K, A] and bias [1, A] of the cell's input map."""
    if not cell.folds:
      kernel, bias = params['input']['kernel'], params['input']['bias'][None]
      return params | {'folded': {'kernel': kernel, 'bias': bias}}

    def inputs(x):
      u = project.apply({'params': params['input']}, x)
      return cell.module.apply({'params': params['core']}, u, method='absorb')

    # The images of zero and of the unit vectors determine an affine map.
    bias = inputs(jnp.zeros((1, width + beside)))
    kernel = inputs(jnp.eye(width + beside)) - bias
    return params | {'folded': {'kernel': kernel, 'bias': bias}}

  def begin(params: Params, n: int, context=None):
    if (context is None) == bool(beside):
      raise ValueError(
        'a context is required if and only if there are latent noise or classes'
      )
    if seed is None:
      return cell.initial(n), context
    before: Any = first.apply({'params': params['latent']}, context)
    return seed(jnp.tanh(before)), context

  def embed(params: Params, tokens: Array) -> Array:
    if jnp.issubdtype(tokens.dtype, jnp.integer):
      x = _beside([table[tokens] for table in tables(params)])
      if masked is not None:
        x = jnp.where((tokens == masked)[:, None], 0.0, x)
      return x
    if masked is not None:
      tokens = tokens.at[:, masked].set(0.0)
    rows = tokens.shape[-1]
    return _beside([tokens @ table[:rows] for table in tables(params)])

  def step(params: Params, carry, x: Array):
    state, z = carry
    folded = params['folded']
    if beside:
      x = jnp.concatenate([x, z], axis=-1)
    state, hidden = cell.module.apply(
      {'params': params['core']},
      state,
      x @ folded['kernel'] + folded['bias'],
      method='advance' if cell.folds else None,
    )
    return (state, z), hidden

  def readout(params: Params, hidden: Array) -> Array:
    if not tied:
      logits: Any = head.apply({'params': params['head']}, hidden)
      return logits
    projected = hidden @ params['head']['kernel']
    blocks = jnp.split(projected, [width - embed_dim], axis=-1)
    logits = params['head']['bias'].reshape(*[1] * (hidden.ndim - 1), -1)
    for own, table in zip(blocks[-len(tables(params)) :], tables(params)):
      logits = logits + own @ table[:vocab_size].T
    return logits

  def draw(rows: Array) -> Array:
    if classes:
      return nets_classes.draw(rows, classes)
    return PRIORS[prior](random.row_normal(rows, latent))

  return Generator(
    init_params,
    prepare,
    begin,
    embed,
    step,
    readout,
    vocab_size,
    draw if beside else None,
    support=nets_classes.support(classes) if classes else None,
  )


def _beside(blocks: list[Array]) -> Array:
  """Joins blocks of columns."""
  return blocks[0] if len(blocks) == 1 else jnp.concatenate(blocks, axis=-1)


# Value of `sharing` -> parameter groups shared by all experts. MoEGAN only says
# "similar to MGAN", which ties all layers except the one that reads the input.
SHARING = {
  'embed_out': ('embed', 'head'),
  'mgan': ('embed', 'core', 'head'),
  'none': (),
}
AGGREGATIONS = ('repr_mean', 'prob_mean')


def mixture(
  expert: Generator,
  *,
  experts: int,
  sharing: str = 'embed_out',
  aggregation: str = 'repr_mean',
) -> Generator:
  """Builds a mixture of N experts (MoEGAN Eq 2).

  Args:
    expert: a generator whose parameters are a dict of groups
    experts: N
    sharing: which groups all experts share, a key of SHARING; 'all' is valid
      for one expert only
    aggregation: 'repr_mean' averages the outputs of the experts before the
      readout, which averages their logits (Eq 3); 'prob_mean' averages their
      probabilities

  Returns:
    A Generator. Groups that are not shared have a leading axis [N]. The hidden
    output is [n, H] if one readout serves the averaged representation, else
    [n, N * H].

  Raises:
    UserError: an unknown option, fewer than one expert, or sharing='all' for
      several experts.

  All experts read the same token at each step.
  """
  if experts < 1:
    raise UserError(f'generator.experts={experts} must be at least 1')
  if sharing == 'all' and experts > 1:
    raise UserError(
      f'generator.sharing=all with generator.experts={experts} makes all '
      'experts the same function; choose embed_out, mgan or none'
    )
  if sharing != 'all' and sharing not in SHARING:
    raise unknown('generator.sharing', sharing, SHARING)
  if aggregation not in AGGREGATIONS:
    raise unknown('generator.aggregation', aggregation, AGGREGATIONS)
  if experts == 1:
    return expert

  shared = (*SHARING[sharing], 'frozen')
  # A readout that all experts share is linear and commutes with the mean.
  merge = aggregation == 'repr_mean' and 'head' in shared

  def axes(params: Params) -> dict:
    return {group: None if group in shared else 0 for group in params}

  def init(key: Array) -> Params:
    # Only the independent initialisation makes the experts differ.
    stacked = jax.vmap(expert.init)(jax.random.split(key, experts))
    return {
      group: jax.tree.map(lambda x: x[0], value) if group in shared else value
      for group, value in stacked.items()
    }

  def prepare(params: Params) -> Params:
    folded = jax.vmap(
      lambda p: expert.prepare(p)['folded'],
      in_axes=(axes(params),),
      axis_size=experts,
    )(params)
    return params | {'folded': folded}

  def begin(params: Params, n: int, context=None):
    return jax.vmap(
      lambda p: expert.begin(p, n, context),
      in_axes=(axes(params),),
      axis_size=experts,
    )(params)

  own = None if 'embed' in shared else 0  # axis of the experts of an input

  def embed(params: Params, tokens: Array) -> Array:
    return jax.vmap(
      expert.embed,
      in_axes=(axes(params), None),
      out_axes=own,
      axis_size=experts,
    )(params, tokens)

  def step(params: Params, carry, x: Array):
    carry, hidden = jax.vmap(expert.step, in_axes=(axes(params), 0, own))(
      params, carry, x
    )
    if merge:
      return carry, hidden.mean(0)
    hidden = jnp.moveaxis(hidden, 0, 1)
    return carry, hidden.reshape(hidden.shape[0], -1)

  def readout(params: Params, hidden: Array) -> Array:
    if merge:
      return expert.readout(params, hidden)
    hidden = hidden.reshape(*hidden.shape[:-1], experts, -1)
    logits = jax.vmap(expert.readout, in_axes=(axes(params), -2), out_axes=-2)(
      params, hidden
    )
    if aggregation == 'repr_mean':
      return logits.mean(-2)
    return jax.nn.logsumexp(jax.nn.log_softmax(logits), axis=-2) - jnp.log(
      float(experts)
    )

  # The functions of the mixture replace those of the expert.
  return expert._replace(
    init=init,
    prepare=prepare,
    begin=begin,
    embed=embed,
    step=step,
    readout=readout,
  )
