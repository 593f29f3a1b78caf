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


# Networks. They read the parameters of the Linen modules by name.


def _sigmoid(x):
  return 1 / (1 + np.exp(-x))


def _affine(params, x):
  """Applies a `Dense` layer to one row x, entry by entry."""
  kernel = np.asarray(params['kernel'], np.float64)
  out = [float(x @ kernel[:, j]) for j in range(kernel.shape[1])]
  if 'bias' in params:
    out = [y + float(b) for y, b in zip(out, params['bias'])]
  return np.array(out)


def _layer_norm(params, rows, joint, epsilon):
  """Normalises rows [R, F] separately or together (`joint`)."""
  out = []
  for r, row in enumerate(rows):
    basis = rows if joint else row
    variance = np.mean((basis - np.mean(basis)) ** 2)
    unit = (row - np.mean(basis)) / math.sqrt(variance + epsilon)
    gain, bias = np.asarray(params['scale']), np.asarray(params['bias'])
    if gain.ndim == 2:  # each row has its own gain and bias
      gain, bias = gain[r], bias[r]
    out.append(unit * gain + bias)
  return np.array(out)


def relational_memory(
  params, memory, u, *, flavour, heads, key_size, blocks, layers, gate, biases
):
  """One step for memories [n, N, M] and projected inputs [n, M].

  biases: forget and input bias, for the flavours where they are constants
  """
  joint, epsilon = {
    'santoro': (False, 1e-5),
    'relgan': (True, 1e-12),
    'textgan': (True, 1e-5),
  }[flavour]
  forget_bias, input_bias = biases
  if flavour == 'textgan':
    forget_bias = float(params['forget_bias'])
    input_bias = float(params['input_bias'])
  slots, width = memory.shape[1:]
  d_k, d_v = key_size, width // heads
  new_memories = []
  for old, x in zip(np.asarray(memory, np.float64), np.asarray(u, np.float64)):
    z = np.array([*old, x])
    for _ in range(blocks):
      qkv = np.array([_affine(params['qkv'], row) for row in z])
      qkv = _layer_norm(params['qkv_norm'], qkv, joint, epsilon)
      attended = np.zeros_like(z)
      for h in range(heads):
        # Query, key and value of a head are adjacent columns.
        own = qkv[:, h * (2 * d_k + d_v) : (h + 1) * (2 * d_k + d_v)]
        q, k, v = own[:, :d_k], own[:, d_k : 2 * d_k], own[:, 2 * d_k :]
        scale = d_k if flavour == 'textgan' else 2 * d_k + d_v
        for i in range(slots + 1):
          weights = np.array(
            [
              math.exp(float(q[i] @ k[j]) / math.sqrt(scale))
              for j in range(slots + 1)
            ]
          )
          weights /= weights.sum()
          for j in range(slots + 1):
            attended[i, h * d_v : (h + 1) * d_v] += weights[j] * v[j]
      z = _layer_norm(params['attention_norm'], z + attended, joint, epsilon)
      y = z
      for layer in range(layers):
        if flavour == 'textgan':  # shared map, ReLU after each layer
          y = np.array([_affine(params['mlp_0'], row) for row in y])
          y = np.maximum(y, 0)
        else:  # ReLU only between layers
          y = np.maximum(y, 0) if layer else y
          y = np.array([_affine(params[f'mlp_{layer}'], row) for row in y])
      z = _layer_norm(params['mlp_norm'], z + y, joint, epsilon)
    new = z[:slots]
    if gate != 'none':
      from_input = _affine(params['input_gates'], x)
      for s in range(slots):
        both = from_input + _affine(params['memory_gates'], np.tanh(old[s]))
        half = len(both) // 2  # the input gate, then the forget gate
        i = _sigmoid(both[:half] + input_bias)
        f = _sigmoid(both[half:] + forget_bias)
        new[s] = i * np.tanh(new[s]) + f * old[s]
    new_memories.append(new)
  return np.array(new_memories)


def lstm(params, h, c, u):
  """One step for states [n, H] and projected inputs [n, 4 H]."""
  hs, cs = [], []
  for h_row, c_row, u_row in zip(h, c, u):
    pre = u_row + _affine(params['Dense_0'], np.asarray(h_row, np.float64))
    new_h, new_c = [], []
    width = len(h_row)
    for j in range(width):
      i, f, o, g = (float(pre[k * width + j]) for k in range(4))
      cell = _sigmoid(f) * float(c_row[j]) + _sigmoid(i) * math.tanh(g)
      new_c.append(cell)
      new_h.append(_sigmoid(o) * math.tanh(cell))
    hs.append(new_h)
    cs.append(new_c)
  return np.array(hs), np.array(cs)


def max_convolution(x, kernel):
  """Maximum over positions of a convolution, [n, T, E] -> [n, filters]."""
  n, length, channels = x.shape
  width, _, filters = kernel.shape
  out = np.full((n, filters), -np.inf)
  for b in range(n):
    for f in range(filters):
      for t in range(length - width + 1):
        score = 0.0
        for j in range(width):
          for e in range(channels):
            score += float(x[b, t + j, e]) * float(kernel[j, e, f])
        out[b, f] = max(out[b, f], score)
  return out


def text_cnn(params, x, *, widths, representations, highway):
  """Logits [B, S] and features [B, S, F] for embedded text [B, T, E]."""
  block = x.shape[-1] // representations
  logits, features = [], []
  for row in x:
    logits.append([])
    features.append([])
    for s in range(representations):
      part = row[None, :, s * block : (s + 1) * block]
      h = np.concatenate(
        [
          max_convolution(part, np.asarray(params[f'kernel_{width}']))[0]
          + np.asarray(params[f'bias_{width}'])
          for width in widths
        ]
      )
      h = np.maximum(h, 0)
      candidate = _affine(params['highway'], h)
      gate = (
        _affine(params['highway_gate'], h)
        if (highway == 'separate')
        else candidate
      )
      gate = _sigmoid(gate)
      h = gate * np.maximum(candidate, 0) + (1 - gate) * h
      features[-1].append(_affine(params['features'], h))
      logits[-1].append(_affine(params['logit'], features[-1][-1])[0])
  return np.array(logits), np.array(features)


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
