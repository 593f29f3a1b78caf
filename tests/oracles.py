"""Naive NumPy versions of what the package computes, loop by loop.

They are slow on purpose and share no code with what they check.
"""

import math

import numpy as np

# Losses, distances and schedules.


def inverse_temperature(name, end, horizon, i):
  """One step of a schedule, as RelGAN's code has it."""
  t, n = end, horizon
  return {
    'constant': lambda: t,
    'lin': lambda: 1 + i / (n - 1) * (t - 1),
    'exp': lambda: t ** (i / n),
    'log': lambda: 1 + (t - 1) / math.log(n) * math.log(i + 1),
    'sigmoid': lambda: (t - 1) / (1 + math.exp((n / 2 - i) * 20 / n)) + 1,
    'quad': lambda: (t - 1) / (n - 1) ** 2 * i**2 + 1,
    'sqrt': lambda: (t - 1) / math.sqrt(n - 1) * math.sqrt(i) + 1,
  }[name]()


def centroid_distance(real, fake):
  """The plain norm of MoEGAN Eq 6 for [B, F] and [B', F]."""
  total = 0.0
  for f in range(real.shape[1]):
    mean_real = sum(float(row[f]) for row in real) / len(real)
    mean_fake = sum(float(row[f]) for row in fake) / len(fake)
    total += (mean_real - mean_fake) ** 2
  return math.sqrt(total)


def adversarial_loss(name, real_logits, fake_logits):
  """The pair (D's loss, G's loss) of logits of any shape."""
  a = [float(x) for x in np.ravel(real_logits)]
  b = [float(x) for x in np.ravel(fake_logits)]
  n = len(a)
  mean_a, mean_b = sum(a) / n, sum(b) / n

  def log_sigmoid(x):
    return -math.log(1 + math.exp(-x))

  def real_is_real(x):  # binary cross-entropy against 1
    return -log_sigmoid(x)

  def fake_is_fake(x):  # against 0
    return -math.log(1 - 1 / (1 + math.exp(-x)))

  disc = gen = 0.0
  for x, y in zip(a, b):
    ra, rb = x - mean_b, y - mean_a
    if name == 'rsgan':
      d, g = -log_sigmoid(x - y), -log_sigmoid(y - x)
    elif name in ('standard', 'js', 'kl'):
      d = real_is_real(x) + fake_is_fake(y)
      g = {'standard': real_is_real(y), 'js': -fake_is_fake(y), 'kl': -y}[name]
    elif name == 'hinge':
      d, g = max(0, 1 - x) + max(0, 1 + y), -y
    elif name == 'tv':
      d, g = math.tanh(y) - math.tanh(x), -math.tanh(y)
    elif name == 'ls':
      d, g = (x - 1) ** 2 + y**2, (y - 1) ** 2
    elif name == 'wgan-gp':
      d, g = y - x, -y
    elif name == 'ragan':
      d = real_is_real(ra) + fake_is_fake(rb)
      g = real_is_real(rb) + fake_is_fake(ra)
    elif name == 'rals':
      d = (ra - 1) ** 2 + (rb + 1) ** 2
      g = (rb - 1) ** 2 + (ra + 1) ** 2
    elif name == 'rahinge':
      d = max(0, 1 - ra) + max(0, 1 + rb)
      g = max(0, 1 - rb) + max(0, 1 + ra)
    else:
      raise NotImplementedError(f'add {name} to the naive losses')
    disc += d / n
    gen += g / n
  return disc, gen


def counter_contrastive(anchor, positive, negative, temperature):
  """CCL Eq 3 for vectors [B, F], term by term."""

  def similarity(x, y):
    return float(x @ y) / math.sqrt(float(x @ x) * float(y @ y)) / temperature

  n = len(anchor)
  total = 0.0
  for i in range(n):
    below = 0.0
    for j in range(n):
      below += math.exp(similarity(anchor[j], negative[j]))
      below += math.exp(similarity(anchor[j], positive[j]))
    total -= math.log(math.exp(similarity(anchor[i], negative[i])) / below)
  return total / n


def negative_log_likelihood(logits, tokens):
  """Mean of -log softmax(logits)[token] over all positions."""
  total = 0.0
  for rows, ids in zip(logits, tokens):
    for row, token in zip(rows, ids):
      weights = [math.exp(float(x)) for x in row]
      total -= math.log(weights[int(token)] / sum(weights))
  return total / tokens.size
