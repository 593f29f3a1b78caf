"""Settings of losses and updates, and the sections of each system.

Each function returns a section with its defaults. Its keyword arguments are the
selectors of the section: settings whose values determine which other settings
exist.
"""

from collections.abc import Callable, Mapping
from functools import partial

from moegan_jax.config import networks, policies


def likelihood(*, epochs: int = 150) -> dict:
  """Returns the section `mle`: maximum-likelihood training of the generator.

  Args:
    epochs: passes over the training part; 0: no likelihood phase
  """
  if not epochs:
    return {'epochs': 0}
  return {
    'epochs': epochs,
    'batch': 128,  # sequences per batch
    'lr': 1e-2,  # learning rate of Adam
    'clip': 5.0,  # largest global norm of the gradient
    'eval_every': 10,  # epochs between evaluations; 0: at the end only
  }


def updates(*, discriminator: bool = True, repeated: bool = True) -> dict:
  """Returns the section `adversarial`: the adversarial phase.

  Args:
    discriminator: whether the system trains a discriminator
    repeated: whether an iteration has several discriminator updates
  """
  section = {
    'steps': 2000,  # iterations; may be raised on a finished run
    'batch': 128,  # sequences per batch
    'g_steps': 1,  # generator updates per iteration
    'g_lr': 1e-4,  # learning rate of the generator's Adam
    'clip': 5.0,  # largest global norm of the gradient of each player
    'beta1': 0.9,  # decay of the mean of the gradient in Adam
    'anchor': 0.0,  # weight of the likelihood loss in the generator's loss
    'mle_every': 0,  # iterations between likelihood updates; 0: none
    'eval_every': 100,  # iterations between evaluations; 0: at the end only
  }
  if discriminator:
    section |= {'d_lr': 1e-4}  # learning rate of the discriminator's Adam
    if repeated:
      section |= {'d_steps': 5}  # discriminator updates per iteration
  return section


def relaxed_gan(
  *, schedule: str = 'exp', classifier: bool = True, ends: bool = True
) -> dict:
  """Returns the section `game`: the adversarial loss on relaxed samples.

  Args:
    schedule: schedule of the inverse temperature, a key of
      ops.schedules.SCHEDULES
    classifier: whether the discriminator has logits
    ends: whether sequences of the corpus have an end symbol
  """
  section = {
    'schedule': schedule,
    'beta': 100.0,  # inverse temperature at the end of the schedule
    'relaxation': 'gumbel_softmax',  # or straight_through, soft_argmax
    'feedback': 'hard',  # input of the generator: hard (tokens), soft (rows)
    # Relaxed tokens are computed in the scan or after it (more memory):
    # scan, after, platform (after on a GPU, scan elsewhere)
    'route': 'platform',
    'top_k': 0,  # draw training samples from the k likeliest tokens; 0: all
    'top_p': 1.0,  # draw them from this share of probability (nucleus)
  }
  if schedule != 'constant':
    section |= {'horizon': 5000}  # iterations to the end of the schedule
  if classifier:
    section |= {
      'loss': 'rsgan',  # a key of losses.adversarial.LOSSES
      'form': 'nonsat',  # nonsat (RelGAN's code), minimax (MoEGAN Eq 9)
      'weight': 1.0,  # weight in the generator's loss; 0: other terms only
      'reduce': 'elementwise',  # elementwise, mean (of logits over S first)
      'penalty': -1.0,  # weight of the gradient penalty; -1: by the loss
    }
  if ends:
    # Input of the discriminator after the first end symbol of a sample: free
    # (tokens of the generator), absorbing (end symbols, without a gradient)
    section |= {'end': 'free'}
  return section


def alignment(*, weight: float = 1.0) -> dict:
  """Returns the section `fsa`: feature statistics alignment of MoEGAN.

  Args:
    weight: weight in the generator's loss; 0: no alignment
  """
  if isinstance(weight, float | int) and not weight:
    return {'weight': weight}
  return {
    'weight': weight,
    'distance': 'centroid',  # centroid (Eq 6), wasserstein (Figure 6)
    'reduce': 'joint',  # centroids: joint (over batch and S), per_rep
    'dropout': 'train',  # dropout of the features: train, off
  }


def contrast(*, weight: float = 0.0) -> dict:
  """Returns the section `ccl`: counter-contrastive learning.

  Args:
    weight: weight of the counter-contrastive loss; 0: no such update
  """
  if isinstance(weight, float | int) and not weight:
    return {'weight': weight}
  return {
    'weight': weight,
    'temperature': 0.5,  # divides the cosines; the paper tried .2, .5, 1
    'reps': 'flatten',  # S representations: flatten, per_rep (mean loss)
    'updates': 'generator',  # players that minimise it: generator, both
    'resample': True,  # draw new samples for the second generator update
  }


def discrepancy() -> dict:
  """Returns the section `mmd`: maximum mean discrepancy of TextGAN."""
  return {
    'weight': 1e-3,  # lambda_m, weight in the discriminator's loss
    'reconstruction': 1e-3,  # lambda_r, weight of the error of z there
    'bandwidths': (20.0,),  # sigma of each Gaussian kernel
    'squared': True,  # True: MMD^2 (paper), False: MMD (its code)
  }


def transport() -> dict:
  """Returns the section `transport`: optimal transport of FM-GAN."""
  return {
    'solver': 'ipot',  # ipot, sinkhorn, sinkhorn-divergence
    'epsilon': 10.0,  # strength of the regularisation
    'iterations': 50,  # iterations of the solver
    'through_plan': False,  # whether to differentiate through the solver
  }


def evolution() -> dict:
  """Returns the section `catgan`: mutations of the generator."""
  return {
    'losses': ('ragan', 'rsgan'),  # keys of losses.adversarial.LOSSES
    # Iterations by which a child moves the schedule of the temperature
    'shifts': (0, 1, -1),
    'evaluations': 8,  # batches of samples that judge a child
    'quality': 1.0,  # weight of the verdicts of D, a sum over samples
    'diversity': 1e-3,  # weight of the NLL of the samples, nats per token
  }


def density() -> dict:
  """Returns the section `jsd`: the weights of JSDGAN."""
  # minmax (TextGAN-PyTorch), softmax, none (paper)
  return {'normalise': 'minmax'}


def self_adversarial() -> dict:
  """Returns the section `dgsan`: the generator against its past self."""
  return {
    # Probabilities that D compares: those of each token (TextGAN-PyTorch) or
    # of a sequence
    'level': 'token',
    # sum (over batch and positions, as in TextGAN-PyTorch), mean (over both),
    # sequence (a sum over positions and a mean over the batch)
    'reduce': 'sum',
    'interval': 0,  # iterations between copies of the generator; 0: an epoch
  }


def sequence_contrast() -> dict:
  """Returns the section `slgan`: the losses of SLGAN."""
  return {
    'weight': 1.0,  # lambda, weight of L_adv at the end of its schedule
    'horizon': 31_200,  # iterations until then: 200 epochs of 10,000 lines
    # Weight of the reconstruction Sim_s: max(floor, 1 - decay * epoch)
    'floor': 1.0,
    'decay': 0.1,
    'margin': 10.0,  # upper bound of Sim_d in nats per position; 0: none
    'noise': 0.1,  # share of tokens hidden from G_d in Sim_s
    'direction': 'forward',  # L_adv: forward KL(G_d, G), reverse KL(G, G_d)
  }


Sections = Mapping[str, Callable[..., dict]]
# Sections of all systems that train a discriminator on relaxed samples.
_RELAXED: Sections = {
  'generator': networks.generator,
  'discriminator': networks.discriminator,
  'mle': likelihood,
  'adversarial': updates,
  'game': relaxed_gan,
}
# Sections of all systems that train a generator by policy gradients. Each of
# the `adversarial.d_steps` is a pool.
_POLICY: Sections = {
  'generator': networks.generator,
  'discriminator': networks.token_discriminator,
  'mle': likelihood,
  'adversarial': updates,
  'pool': policies.pool,
}
# Those whose rewards come from completions of prefixes.
_ROLLOUTS: Sections = {
  **_POLICY,
  'policy': policies.policy_gradient,
  'rollout': policies.rollouts,
}
# Those whose discriminator compares texts by its features.
_COMPARING: Sections = {
  **_ROLLOUTS,
  'discriminator': partial(networks.token_discriminator, classifier=False),
}
SYSTEMS: dict[str, Sections] = {
  'mle': {'generator': networks.generator, 'mle': likelihood},
  'moegan': {**_RELAXED, 'fsa': alignment, 'ccl': contrast},
  'ccl': {**_RELAXED, 'ccl': contrast},
  'relgan': _RELAXED,
  'gsgan': _RELAXED,
  'textgan': {**_RELAXED, 'mmd': discrepancy},
  'catgan': {**_RELAXED, 'catgan': evolution},
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
  'cot': {
    'generator': networks.generator,
    'mediator': networks.mediator,
    'mle': likelihood,
    'adversarial': updates,
  },
  'dgsan': {
    'generator': networks.generator,
    'mle': likelihood,
    'adversarial': partial(updates, discriminator=False),
    'dgsan': self_adversarial,
  },
  'slgan': {
    'generator': networks.generator,
    'discriminator': networks.rewriter,
    'mle': likelihood,
    'adversarial': partial(updates, repeated=False),
    'slgan': sequence_contrast,
  },
  'seqgan': _ROLLOUTS,
  'scratchgan': {
    'generator': networks.generator,
    'discriminator': networks.prefix_discriminator,
    'mle': likelihood,
    'adversarial': updates,
    'scratchgan': policies.prefix_rewards,
  },
  'coldgan': {
    'generator': networks.generator,
    'discriminator': networks.token_discriminator,
    'mle': likelihood,
    'adversarial': updates,
    'coldgan': policies.exploration,
  },
  'maskgan': {
    'generator': networks.masked_generator,
    'discriminator': networks.masked_discriminator,
    'mle': likelihood,
    'adversarial': updates,
    'maskgan': policies.infilling,
  },
  'maligan': {**_POLICY, 'maligan': policies.reweighting},
  'dpgan': {
    **_POLICY,
    'discriminator': networks.language_model,
    'policy': policies.policy_gradient,
    'dpgan': policies.diversity,
  },
  'rankgan': {**_COMPARING, 'rank': policies.ranking},
  'sal': {**_COMPARING, 'sal': policies.comparison},
  'leakgan': {
    **_POLICY,
    'generator': networks.leaky_generator,
    'policy': policies.reduction,
    'rollout': policies.live_rollouts,
    'leakgan': policies.leak,
  },
  'sentigan': {
    **_COMPARING,
    'policy': policies.reduction,
    'generator': partial(networks.generator, conditional=True),
    'discriminator': networks.token_discriminator,
    'sentigan': policies.penalties,
  },
}
