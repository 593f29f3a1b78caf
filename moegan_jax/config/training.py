"""Settings of losses and updates, and the sections of each system.

Each function returns a section with its defaults. Its keyword arguments are the
selectors of the section: settings whose values decide which other settings
there are.
"""

from collections.abc import Callable, Mapping
from functools import partial

from moegan_jax.config import networks


def likelihood(*, epochs: int = 150) -> dict:
  """Maximum-likelihood training of the generator: the section `mle`.

  Args:
    epochs: passes over the training part; 0: no likelihood phase
  """
  if not epochs:
    return {'epochs': 0}
  return {
    'epochs': epochs,
    'batch': 128,  # sequences
    'lr': 1e-2,  # Adam
    'clip': 5.0,  # global norm
    'eval_every': 10,  # epochs between evaluations; 0: at the end only
  }


def updates(*, discriminator: bool = True, repeated: bool = True) -> dict:
  """The adversarial phase: the section `adversarial`.

  Args:
    discriminator: whether the system trains a discriminator
    repeated: whether it makes `d_steps` updates per iteration
  """
  section = {
    'steps': 2000,  # iterations; may be raised on a finished run
    'batch': 128,  # sequences
    'g_steps': 1,  # generator updates per iteration
    'g_lr': 1e-4,  # Adam
    'clip': 5.0,  # global norm, of each player
    'anchor': 0.0,  # weight of the likelihood in the generator's loss
    'mle_every': 0,  # a likelihood update every so many iterations; 0: none
    'eval_every': 100,  # iterations between evaluations; 0: at the end only
  }
  if discriminator:
    section |= {'d_lr': 1e-4}  # Adam
    if repeated:
      section |= {'d_steps': 5}  # discriminator updates per iteration
  return section


def relaxed_gan(
  *, schedule: str = 'exp', classifier: bool = True, ends: bool = True
) -> dict:
  """Training on relaxed samples: the section `game`.

  Args:
    schedule: of the inverse temperature, a key of ops.schedules.SCHEDULES
    classifier: whether the discriminator has a logit
    ends: whether sequences of the corpus have an end symbol
  """
  section = {
    'schedule': schedule,
    'beta': 100.0,  # inverse temperature at the end of the schedule
    'relaxation': 'gumbel_softmax',  # or straight_through, soft_argmax
    'feedback': 'hard',  # what the generator reads: hard, soft
    'route': 'scan',  # of the generator's gradient: scan, replay
    'top_k': 0,  # training samples from the k likeliest tokens; 0: all
    'top_p': 1.0,  # training samples from this share of probability
  }
  if schedule != 'constant':
    section |= {'horizon': 5000}  # updates to the end of the schedule
  if classifier:
    section |= {
      'loss': 'rsgan',  # a key of losses.adversarial.LOSSES
      'form': 'nonsat',  # rsgan, standard: nonsat (code), minimax (Eq 9)
      'weight': 1.0,  # of the loss for the generator; 0: other terms only
      'reduce': 'elementwise',  # elementwise, mean (over S first)
      'penalty': -1.0,  # weight of the gradient penalty; -1: the loss's own
    }
  if ends:
    # What the discriminator reads after the first end symbol of a sample: free
    # (what the generator writes), absorbing (end symbols, without a gradient)
    section |= {'end': 'free'}
  return section


def alignment(*, weight: float = 1.0) -> dict:
  """Feature statistics alignment of MoEGAN: the section `fsa`.

  Args:
    weight: in the generator's loss; 0: none
  """
  if isinstance(weight, float | int) and not weight:
    return {'weight': weight}
  return {
    'weight': weight,
    'distance': 'centroid',  # centroid, wasserstein
    'reduce': 'joint',  # over representations: joint, per_rep
    'dropout': 'train',  # of the discriminator as encoder: train, off
  }


def contrast(*, weight: float = 0.0) -> dict:
  """Counter-contrastive learning: the section `ccl`.

  Args:
    weight: of the counter-contrastive update; 0: none
  """
  if isinstance(weight, float | int) and not weight:
    return {'weight': weight}
  return {
    'weight': weight,
    'temperature': 0.5,  # of the cosines; the paper tried .2, .5, 1
    'reps': 'flatten',  # representations: flatten, per_rep
    'updates': 'generator',  # generator, both
    'resample': True,  # new samples for the generator's second update
  }


def discrepancy() -> dict:
  """Maximum mean discrepancy of TextGAN: the section `mmd`."""
  return {
    'weight': 1e-3,  # of the discrepancy in the discriminator's loss
    'reconstruction': 1e-3,  # of the error in z, in the discriminator's loss
    'bandwidths': (20.0,),  # sigma of each Gaussian kernel
    'squared': True,  # MMD^2 (paper); False: its root (code)
  }


def transport() -> dict:
  """Optimal transport of FM-GAN: the section `transport`."""
  return {
    'solver': 'ipot',  # ipot, sinkhorn, sinkhorn-divergence
    'epsilon': 10.0,  # of the proximal step or the entropy
    'iterations': 50,
    'through_plan': False,  # differentiate through the solver
  }


def density() -> dict:
  """Weights of JSDGAN: the section `jsd`."""
  return {'normalise': 'minmax'}  # minmax (port), softmax, none (paper)


def sequence_contrast() -> dict:
  """Losses of SLGAN: the section `slgan`."""
  return {
    'weight': 1.0,  # of the step towards G_d, at the end of its schedule
    'horizon': 31_200,  # iterations until then: 200 epochs of 10,000 lines
    'floor': 1.0,  # weight of the reconstruction: max(floor, 1 - decay epoch)
    'decay': 0.1,
    'margin': 10.0,  # nats at which the contrast is clipped; 0: never
    'noise': 0.1,  # share of tokens hidden from G_d
    'direction': 'forward',  # forward KL(G_d, G), reverse KL(G, G_d)
  }


# Sections of all systems that train a discriminator on relaxed samples.
_RELAXED = {
  'generator': networks.generator,
  'discriminator': networks.discriminator,
  'mle': likelihood,
  'adversarial': updates,
  'game': relaxed_gan,
}
Sections = Mapping[str, Callable[..., dict]]
SYSTEMS: dict[str, Sections] = {
  'mle': {'generator': networks.generator, 'mle': likelihood},
  'moegan': {**_RELAXED, 'fsa': alignment, 'ccl': contrast},
  'ccl': {**_RELAXED, 'ccl': contrast},
  'relgan': _RELAXED,
  'gsgan': _RELAXED,
  'textgan': {**_RELAXED, 'mmd': discrepancy},
  'fmgan': {
    **_RELAXED,
    'game': partial(relaxed_gan, classifier=False),
    'transport': transport,
  },
  'jsdgan': {
    'generator': networks.generator,
    'mle': likelihood,
    'adversarial': partial(updates, discriminator=False),
    'jsd': density,
  },
  'slgan': {
    'generator': networks.generator,
    'discriminator': networks.rewriter,
    'mle': likelihood,
    'adversarial': partial(updates, repeated=False),
    'slgan': sequence_contrast,
  },
}
