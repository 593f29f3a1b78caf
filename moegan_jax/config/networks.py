"""Settings of the networks: the sections `generator` and `discriminator`.

Each function returns a section with its defaults. Its keyword arguments are the
selectors of the section: settings whose values decide which other settings
there are.
"""


def generator(
  *, cell: str = 'rmc', experts: int = 1, latent: int = 0, ends: bool = True
) -> dict:
  """A recurrent generator.

  Args:
    cell: rmc (relational memory core), lstm, gru
    experts: N; more than one make a mixture of experts
    latent: size of a latent start state z; 0 for none
    ends: whether sequences of the corpus have an end symbol
  """
  section = {
    'cell': cell,
    'embed': 32,  # E
    'init': 'relgan',  # a key of nets.initializers.INITIALIZERS
    'experts': experts,
    'latent': latent,
  }
  if cell == 'rmc':
    section |= {
      'slots': 1,  # N, rows of the memory
      'heads': 2,
      'head_size': 256,  # memory width M = heads * head_size
      'key_size': 0,  # 0: head_size
      'blocks': 1,  # attention blocks per step
      'mlp_layers': 2,
      'gate': 'unit',  # unit, memory, none
      'forget_bias': 1.0,
      'input_bias': 0.0,
      'flavour': 'santoro',  # santoro, relgan, textgan
    }
  else:
    section |= {'hidden': 32}  # H
  if experts != 1:
    section |= {
      'sharing': 'embed_out',  # parameters shared: embed_out, mgan, none
      'aggregation': 'repr_mean',  # repr_mean (MoEGAN), prob_mean
    }
  if latent:
    section |= {
      'prior': 'normal',  # of z: normal, uniform
      'draws': 16,  # fixed draws of z in a likelihood
    }
  if ends:
    # Input embedding of the end symbol: zero (constant), learned (RelGAN)
    section |= {'end_input': 'zero'}
  return section


def discriminator(*, kind: str = 'cnn') -> dict:
  """A discriminator of relaxed or real sequences.

  Args:
    kind: cnn, recurrent
  """
  section = {
    'kind': kind,
    'embed': 64,  # E
    'dropout': 0.25,  # rate
    'init': 'relgan',  # a key of nets.initializers.INITIALIZERS
  }
  if kind == 'recurrent':
    return section | {
      'cell': 'lstm',  # lstm, gru
      'hidden': 64,  # H
      'per_token': False,  # one logit per prefix
    }
  return section | {
    'widths': (2, 3, 4, 5),  # of the filters, in tokens
    'filters': 300,  # per width
    'representations': 1,  # S
    'features': 100,  # F; 0: the pooled filters themselves
    'activation': 'relu',  # of the filters: relu, tanh
    'highway': 'separate',  # separate, tied, none
  }


def rewriter() -> dict:
  """SLGAN's discriminator G_d, a sequence-to-sequence GRU."""
  return {
    'embed': 64,  # E
    'hidden': 64,  # H
    'init': 'relgan',  # a key of nets.initializers.INITIALIZERS
  }
