"""Settings of the networks: the sections `generator` and `discriminator`.

Each function returns a section with its defaults. Its keyword arguments are the
selectors of the section: settings whose values determine which other settings
exist. N, E, H, S and F are those of `moegan_jax.types`.
"""


def generator(
  *,
  cell: str = 'rmc',
  experts: int = 1,
  latent: int = 0,
  embeddings: str = '',
  conditional: bool = False,
  ends: bool = True,
) -> dict:
  """Returns the section `generator`.

  Args:
    cell: 'rmc' (relational memory core), 'lstm', 'gru' or 'mogrifier'
    experts: N; more than one make a mixture of experts
    latent: size of the latent noise z that sets the initial state; 0: none
    embeddings: text file of word vectors (GloVe), which become frozen columns
      of the embedding beside the E trained ones; '': none
    conditional: whether the generator writes text of a given class; needs a
      corpus with labels
    ends: whether sequences of the corpus have an end symbol
  """
  section = {
    'cell': cell,
    'embed': 32,  # E
    'init': 'relgan',  # a key of nets.initializers.INITIALIZERS
    'experts': experts,
    'latent': latent,
    'embeddings': embeddings,
    'conditional': conditional,
    'output': 'own',  # weights of the readout: own, tied (to the embedding)
  }
  if embeddings:
    section |= {'vector_size': 300}  # numbers per word in the file
  if cell == 'rmc':
    section |= {
      'slots': 1,  # rows of the memory
      'heads': 2,  # attention heads
      'head_size': 256,  # the memory is heads * head_size wide
      'key_size': 0,  # size of keys and queries per head; 0: head_size
      'blocks': 1,  # attention blocks per step
      'mlp_layers': 2,  # layers of the MLP after attention
      'gate': 'unit',  # one gate per number: unit, per slot: memory; none
      'forget_bias': 1.0,  # added to the forget gate before the sigmoid
      'input_bias': 0.0,  # added to the input gate before the sigmoid
      'flavour': 'santoro',  # code to reproduce: santoro, relgan, textgan
    }
  else:
    section |= {
      'hidden': 32,  # H
      'layers': 1,  # each one reads the output of the layer below
    }
  if cell == 'mogrifier':
    section |= {'rounds': 5}  # mutual gatings of input and state per step
  if experts != 1:
    section |= {
      'sharing': 'embed_out',  # shared parameters: embed_out, mgan, none
      'aggregation': 'repr_mean',  # repr_mean (MoEGAN Eq 3), prob_mean
    }
  if latent:
    section |= {
      'prior': 'normal',  # distribution of z: normal, uniform
      'draws': 16,  # fixed draws of z per likelihood
    }
  if conditional:
    # input (the class is fed beside each token), own (a generator a class)
    section |= {'classes': 'input'}
  if ends:
    # Input embedding of the end symbol: zero (constant), learned (RelGAN)
    section |= {'end_input': 'zero'}
  return section


def discriminator(*, kind: str = 'cnn') -> dict:
  """Returns the section `discriminator`.

  Args:
    kind: 'cnn', 'recurrent' or 'transformer'
  """
  section = {
    'kind': kind,
    'embed': 64,  # E
    'dropout': 0.25,  # dropout rate
    'init': 'relgan',  # a key of nets.initializers.INITIALIZERS
  }
  if kind == 'recurrent':
    return section | {
      'cell': 'lstm',  # lstm, gru
      'hidden': 64,  # H
      'per_token': False,  # True: one logit per prefix, not per sequence
    }
  if kind == 'transformer':
    return section | {
      'layers': 2,  # blocks of attention and MLP
      'heads': 4,  # attention heads, a divisor of E
      'features': 100,  # F; 0: no layer after the mean over time
    }
  return section | {
    'widths': (2, 3, 4, 5),  # widths of the filters, in tokens
    'filters': 300,  # filters per width
    'representations': 1,  # S, divides the embedding into S parts
    'features': 100,  # F; 0: no layer after the pooled filters
    'activation': 'relu',  # after the filters: relu, tanh
    'highway': 'separate',  # weights of the two maps: separate, tied, none
  }


def token_discriminator(*, kind: str = 'cnn', classifier: bool = True) -> dict:
  """Returns the section `discriminator` of systems whose D reads tokens only.

  Args:
    kind: 'cnn', 'recurrent' or 'transformer'
    classifier: whether the discriminator has logits
  """
  section = discriminator(kind=kind)
  if kind == 'cnn':
    # One number for all widths, or one per width. Widths beyond T are dropped.
    section |= {'filters': (300,)}
  if classifier:
    section |= {'l2': 0.0}  # weight of the L2 penalty of the logit layer
  return section


def prefix_discriminator() -> dict:
  """Returns the section `discriminator` of ScratchGAN, an LSTM."""
  return {
    'embed': 64,  # E
    'hidden': 512,  # H
    'init': 'scratchgan',  # a key of nets.initializers.INITIALIZERS
    'dropout': 0.1,  # dropout rate of the embedding
    'norm': True,  # whether the gates have a layer norm
    'positions': 8,  # sine waves of the position beside the embedding
    'l2': 1e-6,  # weight of the L2 penalty of all parameters
  }


def masked_generator() -> dict:
  """Returns the section `generator` of MaskGAN, LSTMs with attention."""
  return {
    'embed': 650,  # E
    'hidden': 650,  # H of encoder and decoder
    'layers': 2,  # each one reads the output of the layer below
    'init': 'relgan',  # a key of nets.initializers.INITIALIZERS
  }


def language_model() -> dict:
  """Returns the section of a language model that is not the generator."""
  return {
    'cell': 'lstm',  # lstm, gru
    'embed': 32,  # E
    'hidden': 32,  # H
    'layers': 1,  # each one reads the output of the layer below
    'init': 'relgan',  # a key of nets.initializers.INITIALIZERS
  }


def masked_discriminator() -> dict:
  """Returns the section `discriminator` of MaskGAN, as its generator."""
  return masked_generator() | {
    'dropout': 0.28  # share of the outputs dropped before the logits
  }


def leaky_generator(*, ends: bool = True) -> dict:
  """Returns the section `generator` of LeakGAN, a manager and a worker.

  Args:
    ends: whether sequences of the corpus have an end symbol
  """
  section = {
    'embed': 32,  # E, of the worker
    'hidden': 32,  # H, of the LSTMs of both
    'init': 'seqgan',  # a key of nets.initializers.INITIALIZERS
    'goal_size': 16,  # k, numbers per word in the worker's output
    'step_size': 4,  # c, steps for which a goal holds, at most T
  }
  if ends:
    # Input embedding of the end symbol: zero (constant), learned
    section |= {'end_input': 'zero'}
  return section


def mediator() -> dict:
  """Returns the section `mediator` of CoT, a language model."""
  return language_model() | {
    'embed': 64,  # E
    'hidden': 64,  # H
    'dropout': 0.5,  # dropout rate of the hidden output in its own updates
  }


def rewriter() -> dict:
  """Returns the section `discriminator` of SLGAN, a seq2seq GRU."""
  return {
    'embed': 64,  # E
    'hidden': 64,  # H
    'init': 'relgan',  # a key of nets.initializers.INITIALIZERS
  }
