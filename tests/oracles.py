"""Naive NumPy implementations for comparison, written as loops.

They are slow on purpose and share no code with the package.
"""

import math

import numpy as np
import scipy.optimize

# Losses, distances and schedules.


def inverse_temperature(name, end, horizon, i):
  """One step of a schedule, as in RelGAN's code."""
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
  """The norm of MoEGAN Eq 6 for [B, F] and [B', F]."""
  total = 0.0
  for f in range(real.shape[1]):
    mean_real = sum(float(row[f]) for row in real) / len(real)
    mean_fake = sum(float(row[f]) for row in fake) / len(fake)
    total += (mean_real - mean_fake) ** 2
  return math.sqrt(total)


def adversarial_loss(name, real_logits, fake_logits):
  """The losses of D and G for logits of any shape."""
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


# Transport, kernels, self-weighting and truncation.


def exact_transport(cost):
  """Least cost and plan [n, m] between uniform marginals, by an LP."""
  n, m = cost.shape
  rows = np.kron(np.eye(n), np.ones(m))
  columns = np.kron(np.ones(n), np.eye(m))
  solution = scipy.optimize.linprog(
    np.ravel(cost),
    A_eq=np.concatenate([rows, columns]),
    b_eq=np.concatenate([np.full(n, 1 / n), np.full(m, 1 / m)]),
    method='highs',
  )
  return solution.fun, solution.x.reshape(n, m)


def ipot(cost, beta, iterations, inner=1):
  """Algorithm 1 of Xie et al. 2018, by scalings in double precision."""
  n, m = cost.shape
  kernel = np.exp(-np.asarray(cost, np.float64) / beta)
  plan = np.ones((n, m))
  b = np.full(m, 1 / m)
  for _ in range(iterations):
    q = kernel * plan
    for _ in range(inner):
      a = np.array(
        [1 / n / sum(q[i, j] * b[j] for j in range(m)) for i in range(n)]
      )
      b = np.array(
        [1 / m / sum(q[i, j] * a[i] for i in range(n)) for j in range(m)]
      )
    plan = np.array(
      [[a[i] * q[i, j] * b[j] for j in range(m)] for i in range(n)]
    )
  return plan


def sinkhorn(cost, epsilon, iterations):
  """Scales rows and columns of exp(-cost / epsilon) in turn."""
  plan = np.exp(-np.asarray(cost, np.float64) / epsilon)
  n, m = plan.shape
  for _ in range(iterations):
    for i in range(n):
      plan[i] *= 1 / n / plan[i].sum()
    for j in range(m):
      plan[:, j] *= 1 / m / plan[:, j].sum()
  return plan


def pairwise(function, x, y):
  """Applies function(x_i, y_j) to all pairs of rows, in double precision."""
  x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
  return np.array([[function(a, b) for b in y] for a in x])


def cosine_cost(x, y):
  return pairwise(
    lambda a, b: 1 - (a @ b) / math.sqrt(a @ a) / math.sqrt(b @ b), x, y
  )


def euclidean_cost(x, y):
  return pairwise(lambda a, b: math.sqrt(sum((a - b) ** 2)), x, y)


def mmd_squared(x, y, bandwidths):
  """Mean of the biased estimates of Gaussian kernels, pair by pair."""

  def mean(xs, ys, sigma):
    total = 0.0
    for a in np.asarray(xs, np.float64):
      for b in np.asarray(ys, np.float64):
        total += math.exp(-sum((a - b) ** 2) / (2 * sigma**2))
    return total / len(xs) / len(ys)

  estimates = [
    mean(x, x, s) + mean(y, y, s) - 2 * mean(x, y, s) for s in bandwidths
  ]
  return sum(estimates) / len(estimates)


def jsd_weights(log_probs, n_data, normalise):
  """JSDGAN's weights from probabilities, which must fit double precision."""
  p = [math.exp(float(x)) for x in log_probs]
  n = len(p)
  data = 1 / n
  if normalise == 'minmax':
    p = [max((x - min(p)) / (max(p) - min(p)), 1e-10) for x in p]
  elif normalise == 'softmax':
    p = [x / sum(p) for x in p]
  else:
    data = 1 / n_data
  weights = [x * math.log(x / (x + data)) for x in p]
  if normalise == 'none':
    weights = [w / sum(abs(v) for v in weights) for w in weights]
  return np.array(weights)


def kept_words(logits, top_k, top_p):
  """The words of one row that top-k and nucleus sampling keep."""
  order = sorted(range(len(logits)), key=lambda v: (-float(logits[v]), v))
  order = order[: top_k or len(order)]
  p = [math.exp(float(logits[v]) - float(logits[order[0]])) for v in order]
  kept, total = set(), 0.0
  for v, weight in zip(order, p):
    if total >= top_p:
      break
    kept.add(v)
    total += weight / sum(p)
  return kept
