"""Settings of systems whose generator learns by policy gradients."""


def pool() -> dict:
  """Returns the section `pool`: what a discriminator on tokens learns from."""
  return {
    'negatives': 10_000,  # new samples in a pool, with as many real texts
    'passes': 3,  # passes over a pool
    'pretraining': 50,  # pools in the pre-training of the discriminator
  }


def reduction() -> dict:
  """Returns the section `policy` of LeakGAN: how its losses are reduced."""
  # sum (over batch and positions), mean (over both), sequence (a sum over
  # positions and a mean over the batch)
  return {'reduce': 'sum'}


def policy_gradient() -> dict:
  """Returns the section `policy`: the policy gradient."""
  return reduction() | {
    # Subtracted from the weight of a token: none (papers), batch (mean weight
    # of the other samples at the same position)
    'baseline': 'none',
  }


def rollouts(*, policy: str = 'ema') -> dict:
  """Returns the section `rollout`: completions of the prefixes of a sample.

  Args:
    policy: parameters that complete: 'ema' (moving average), 'live' (G itself)
  """
  section = {
    'policy': policy,
    'samples': 16,  # N, completions of each prefix
    'chunk': 4,  # of them computed at once, a divisor; memory grows with it
  }
  if policy == 'ema':
    section |= {'rate': 0.8}  # share of the average that an iteration keeps
  return section


def live_rollouts() -> dict:
  """Returns the section `rollout` of a G that completes its prefixes itself."""
  section = rollouts(policy='live')
  del section['policy']
  return section


def leak() -> dict:
  """Returns the section `leakgan`: the weights of the manager's goals."""
  # Steepness of the ranks that replace verdicts; large: only the best half of a
  # batch counts
  return {'delta': 16.0}


def prefix_rewards() -> dict:
  """Returns the section `scratchgan`: rewards of the prefixes of a sample."""
  return {
    'discount': 0.23,  # of a reward per position until it is paid
    'decay': 0.08,  # share of the baseline that an update keeps
  }


def exploration() -> dict:
  """Returns the section `coldgan`: cautious exploration and replay."""
  return {
    'temperature': 0.3,  # divides the logits of the cold policy
    'top_p': 1.0,  # share of probability that it keeps (nucleus); 1: all
    'epsilon': 0.1,  # share of rows drawn from the generator itself
    'weight_clip': 5.0,  # largest importance weight; inf: no clip
    'clip': 0.2,  # deviation of the ratio from 1 in PPO; inf: no clip
    'replay': 10_000,  # past samples that the discriminator learns from
    'pretraining': 1000,  # iterations that pre-train the discriminator
  }


def ranking() -> dict:
  """Returns the section `rank`: the rank scores of RankGAN."""
  return {
    'gamma': 1.0,  # scale of the cosines; 0 would give all texts equal ranks
    'references': 16,  # U, real texts that define relevance
    'comparisons': 16,  # C, texts among which a text is ranked
    # The ranker minimises for samples: log (log R), minimax (-log(1 - R))
    'form': 'log',
  }


def penalties() -> dict:
  """Returns the section `sentigan`: penalties of samples of a class."""
  # own (1 - probability of the own class, paper), fake (probability of
  # samples, its code)
  return {'penalty': 'own'}


def comparison() -> dict:
  """Returns the section `sal`: comparisons of samples with past samples."""
  return {
    'hidden': 100,  # units of the network that compares two texts
    'references': 16,  # past samples with which a sample is compared
    'memory': 1024,  # past samples that are kept
    # The reward is a weighted sum of the probabilities that a sample is
    'better': 1.0,  # better than a past sample
    'worse': -1.0,  # worse than a past sample
    'indistinguishable': 0.0,  # neither
  }


def diversity() -> dict:
  """Returns the section `dpgan`: surprising words as rewards."""
  return {
    'discount': 1.0,  # of a reward per position until it is paid
    # Largest reward of a word, in nats; inf: no clip. 12 is the clip of the
    # published code, there in the rewards of the generator only.
    'clip': 12.0,
  }


def reweighting(*, form: str = 'basic') -> dict:
  """Returns the section `maligan`: samples weighted by density ratios.

  Args:
    form: 'basic' or 'mixed' (completions of real prefixes)
  """
  section = {
    'form': form,
    'clip': 1e-3,  # D(x) is limited to [clip, 1 - clip]
    'horizon': 200,  # iterations until the baseline is 1 and the prefix empty
  }
  if form == 'mixed':
    section |= {'samples': 8}  # n, completions of each real prefix
  return section


def infilling() -> dict:
  """Returns the section `maskgan`: masks, rewards and the critic."""
  return {
    'mask': 'contiguous',  # a block at a random place, or random tokens
    'present': 0.5,  # share of tokens that are given
    'whole': 0.5,  # share of texts of which nothing is given
    'discount': 0.89,  # of a reward per position until it is paid
    'clip': 5.0,  # largest advantage; inf: no clip
    'critic_lr': 5.2e-7,  # learning rate of the critic's Adam
    # mean (over B T positions), sum, sequence (a sum over positions and a mean
    # over the batch)
    'reduce': 'sequence',
  }
