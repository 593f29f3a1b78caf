"""Builds networks from the sections `generator` and `discriminator`."""

from typing import Any

import jax
import jax.numpy as jnp

from moegan_jax.errors import UserError, at_least, unknown
from moegan_jax.nets.cells import relational_memory
from moegan_jax.nets.classes import per_class
from moegan_jax.nets.cnn import cnn
from moegan_jax.nets.gated import gru, lstm, mogrifier, stacked
from moegan_jax.nets.initializers import initializers
from moegan_jax.nets.leaky import Leaky, leaky
from moegan_jax.nets.recurrent import mixture, recurrent
from moegan_jax.nets.recurrent_critic import recurrent_critic
from moegan_jax.nets.transformer_critic import transformer_critic
from moegan_jax.nets.word_vectors import word_vectors
from moegan_jax.types import Discriminator, Generator, Spec

GATED = {'lstm': lstm, 'gru': gru}
# Cells of a generator beside 'rmc'.
CELLS = {**GATED, 'mogrifier': mogrifier}
KINDS = ('cnn', 'recurrent', 'transformer')


def generator(
  spec: Spec,
  *,
  cell: str,
  embed: int,
  init: str,
  experts: int = 1,
  sharing: str = 'embed_out',
  aggregation: str = 'repr_mean',
  latent: int = 0,
  prior: str = 'normal',
  draws: int = 0,
  end_input: str = 'zero',
  output: str = 'own',
  embeddings: str = '',
  vector_size: int = 0,
  hidden: int = 0,
  layers: int = 1,
  conditional: bool = False,
  classes: str = 'input',
  **memory,
) -> Generator:
  """Builds a generator from the section `generator` of a configuration.

  Args:
    spec: the properties of the corpus
    cell: 'rmc', 'lstm', 'gru' or 'mogrifier'
    embed: E
    init: a key of nets.initializers.INITIALIZERS
    experts: N; several make a mixture
    sharing: parameters that experts share, see `nets.recurrent.mixture`
    aggregation: average of the experts, see `nets.recurrent.mixture`
    latent: Z, size of the latent noise; 0: none
    prior: distribution of the latent noise, see `nets.recurrent.recurrent`
    draws: fixed draws of the latent noise per likelihood
    end_input: embedding of the end symbol, see `nets.recurrent.recurrent`
    output: weights of the readout, see `nets.recurrent.recurrent`
    embeddings: file of word vectors, which become frozen columns of the
      embedding; '' for none
    vector_size: numbers per word in that file
    hidden: H of cells other than 'rmc'
    layers: layers of cells other than 'rmc'
    conditional: whether the generator writes text of a given class
    classes: 'input' feeds the class at each step, 'own' has a generator of each
      class, see `nets.classes.per_class`
    **memory: the sizes and options of 'rmc', see `relational_memory`, or the
      rounds of 'mogrifier'

  Raises:
    UserError: an unknown cell, classes of a corpus without labels, several
      experts of each class, or a value out of range.
  """
  own = conditional and classes == 'own'
  if conditional and not spec.classes:
    raise UserError(
      'generator.conditional=True needs labelled text: name the column of the '
      'classes by --config.data.label_column, or a file of each class by '
      '--config.data.paths'
    )
  if classes not in ('input', 'own'):
    raise unknown('generator.classes', classes, ('input', 'own'))
  if own and (experts > 1 or latent):
    raise UserError(
      f'generator.classes=own with generator.experts={experts} and '
      f'generator.latent={latent} is not supported; set 1 and 0'
    )
  for name, value in (('embed', embed), ('experts', experts)):
    at_least(f'generator.{name}', value, 1)
  if latent:
    at_least('generator.draws', draws, 1)
  inits = initializers(init)
  if cell == 'rmc':
    core = relational_memory(**memory, init=inits)
  elif cell in CELLS:
    at_least('generator.hidden', hidden, 1)
    at_least('generator.layers', layers, 1)
    core = stacked(
      CELLS[cell](width=hidden, init=inits, **memory), layers, inits
    )
  else:
    raise unknown('generator.cell', cell, ('rmc', *CELLS))
  vectors, notes = None, tuple[str, ...]()
  if embeddings:
    vectors = word_vectors(embeddings, vector_size, spec.words, spec.vocab_size)
    notes = (vectors.note(embeddings),)
  expert = recurrent(
    core,
    vocab_size=spec.vocab_size,
    embed_dim=embed,
    init=inits,
    latent=latent,
    prior=prior,
    pad=spec.pad,
    end_input=end_input,
    output=output,
    vectors=vectors,
    classes=spec.classes if conditional and not own else (),
  )
  whole = mixture(
    expert, experts=experts, sharing=sharing, aggregation=aggregation
  )
  if own:
    whole = per_class(expert, spec.classes)
  return whole._replace(draws=draws if latent else 0, notes=notes)


def leaky_generator(
  spec: Spec,
  disc: Discriminator,
  *,
  embed: int,
  hidden: int,
  init: str,
  goal_size: int,
  step_size: int,
  padding: int,
  end_input: str = 'zero',
) -> Leaky:
  """Builds the generator of LeakGAN, which reads the features of D.

  Args:
    spec: the properties of the corpus
    disc: D
    embed: E
    hidden: H
    init: a key of nets.initializers.INITIALIZERS
    goal_size: k, numbers per word in the output of the worker
    step_size: c, steps for which a goal holds
    padding: id of the row in D's embedding that completes a prefix
    end_input: embedding of the end symbol, see `nets.recurrent.recurrent`

  Raises:
    UserError: a value out of range, or a D without features of prefixes.
  """
  for name, value in (
    ('embed', embed),
    ('hidden', hidden),
    ('goal_size', goal_size),
    ('step_size', step_size),
  ):
    at_least(f'generator.{name}', value, 1)
  if step_size > spec.length:
    raise UserError(
      f'generator.step_size={step_size} exceeds the length of the text, '
      f'{spec.length}; lower it'
    )
  if disc.prefixes is None:
    raise UserError(
      'discriminator.kind=recurrent has no features that a generator can read '
      'at each step; set --config.discriminator.kind=cnn'
    )

  def features(key):
    phi = disc.init(key)
    text = disc.embed(phi, jnp.zeros((1, spec.length), jnp.int32))
    return disc.judge(phi, text, None).features

  return leaky(
    disc.prefixes,
    vocab_size=spec.vocab_size,
    features=jax.eval_shape(features, jax.random.key(0)).size,
    embed_dim=embed,
    width=hidden,
    goal_size=goal_size,
    step_size=step_size,
    padding=padding,
    pad=spec.pad,
    end_input=end_input,
    init=initializers(init),
  )


def without_classes(config) -> None:
  """Refuses a conditional generator.

  Args:
    config: all settings of a run

  Raises:
    UserError: the generator is conditional.
  """
  if config.generator.get('conditional'):
    raise UserError(
      f'generator.conditional=True is not supported by system={config.system}; '
      'leave it out, or choose another system'
    )


def discriminator(
  spec: Spec,
  *,
  kind: str,
  embed: int,
  init: str,
  dropout: float,
  classifier: bool = True,
  reconstruction: int = 0,
  **network,
) -> Discriminator:
  """Builds a discriminator from the section `discriminator`.

  Args:
    spec: the properties of the corpus
    kind: one of KINDS
    embed: E
    init: a key of nets.initializers.INITIALIZERS
    dropout: dropout rate
    classifier: whether it has logits; False gives features only
    reconstruction: Z, size of the latent noise that a CNN reconstructs; 0: none
    **network: the sizes and options of `cnn` or of `transformer_critic`, or
      those of `recurrent_critic` and the name of its cell

  Raises:
    UserError: an unknown kind, or a value out of range.
  """
  at_least('discriminator.embed', embed, 1)
  shared: dict[str, Any] = {
    'vocab_size': spec.vocab_size,
    'length': spec.length,
    'embed_dim': embed,
    'dropout': dropout,
    'classifier': classifier,
    'init': initializers(init),
  }
  if kind == 'cnn':
    return cnn(**shared, **network, reconstruction=reconstruction)
  if kind not in KINDS:
    raise unknown('discriminator.kind', kind, KINDS)
  if reconstruction:
    raise UserError(
      f'discriminator.kind={kind} has no head that reconstructs latent noise; '
      'set --config.discriminator.kind=cnn'
    )
  if kind == 'transformer':
    return transformer_critic(**shared, **network)
  return _recurrent(**shared, **network)


def token_discriminator(
  spec: Spec, *, l2: float = 0.0, **settings
) -> tuple[float, Discriminator]:
  """Builds a D that reads tokens only, without filters wider than the text.

  Args:
    spec: the properties of the corpus
    l2: weight of the penalty of the logit layer, which is returned
    **settings: of `discriminator`

  Raises:
    UserError: an unknown kind, or a value out of range.
  """
  at_least('discriminator.l2', l2, 0)
  return l2, discriminator(spec, **fitting_filters(settings, spec.length))


def fitting_filters(settings: dict, length: int) -> dict:
  """Returns settings of a discriminator without the filters that are too wide.

  Args:
    settings: of `networks.discriminator`
    length: T, the widest filter that fits

  If no filter fits, all of them stay, and the network refuses them.
  """
  widths, filters = settings.get('widths', ()), settings.get('filters', ())
  fit = [i for i, width in enumerate(widths) if width <= length]
  if len(fit) in (0, len(widths)):
    return settings
  kept = {'widths': tuple(widths[i] for i in fit)}
  if len(filters) == len(widths):
    kept['filters'] = tuple(filters[i] for i in fit)
  return settings | kept


def prefix_discriminator(
  spec: Spec,
  *,
  embed: int,
  hidden: int,
  init: str,
  dropout: float,
  norm: bool,
  positions: int,
) -> Discriminator:
  """Builds the discriminator of ScratchGAN, an LSTM that judges each prefix.

  Args:
    spec: the properties of the corpus
    embed: E
    hidden: H
    init: a key of nets.initializers.INITIALIZERS
    dropout: dropout rate of the embedding
    norm: whether the LSTM has a layer norm
    positions: sine waves of the position beside the embedding

  Raises:
    UserError: a value out of range.
  """
  at_least('discriminator.positions', positions, 0)
  inits = initializers(init)
  return recurrent_critic(
    vocab_size=spec.vocab_size,
    length=spec.length,
    embed_dim=embed,
    cell=lstm(width=hidden, init=inits, norm=norm),
    per_token=True,
    dropout=0.0,
    init=inits,
    input_dropout=dropout,
    positions=positions,
  )


def _recurrent(*, cell: str, hidden: int, per_token: bool, **shared):
  """Builds a recurrent critic with the cell of this name."""
  if cell not in GATED:
    raise unknown('discriminator.cell', cell, GATED)
  core = GATED[cell](width=hidden, init=shared['init'])
  return recurrent_critic(**shared, cell=core, per_token=per_token)
