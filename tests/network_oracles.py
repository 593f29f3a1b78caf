"""Naive NumPy implementations of networks for comparison, written as loops.

They are slow on purpose and share no code with the package. They read the
parameters of the Linen modules by name.
"""

import math

import numpy as np


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


def mogrifier(params, h, c, x, *, rounds):
  """One step for states and projected inputs, all [n, H]."""
  hs, cs = [], []
  for h_row, c_row, x_row in zip(h, c, x):
    h_now, x_now = np.asarray(h_row, float), np.asarray(x_row, float)
    for i in range(1, rounds + 1):
      if i % 2 == 1:
        gate = _sigmoid(_affine(params[f'input_{i - 1}'], h_now))
        x_now = 2 * gate * x_now
      else:
        gate = _sigmoid(_affine(params[f'state_{i - 1}'], x_now))
        h_now = 2 * gate * h_now
    u = _affine(params['gates'], x_now)
    new_h, new_c = lstm(params['lstm'], h_now[None], c_row[None], u[None])
    hs.append(new_h[0])
    cs.append(new_c[0])
  return np.array(hs), np.array(cs)


def transformer(params, x, *, heads):
  """Logits [B] and features [B, F] for embedded text [B, T, E]."""
  logits, features = [], []
  layers = sum(name.startswith('mlp_norm') for name in params)

  def norm(name, rows):
    return _layer_norm(params[name], rows, False, 1e-5)

  for row in np.asarray(x, np.float64):
    z = row + np.asarray(params['positions'], np.float64)
    for layer in range(layers):
      own = params[f'attention_{layer}']
      y = norm(f'attention_norm_{layer}', z)
      total = np.zeros_like(z) + np.asarray(own['out']['bias'], np.float64)
      for head in range(heads):
        q, k, v = (
          y @ np.asarray(own[name]['kernel'], np.float64)[:, head]
          + np.asarray(own[name]['bias'], np.float64)[head]
          for name in ('query', 'key', 'value')
        )
        for i in range(len(z)):
          scores = [q[i] @ k[j] / math.sqrt(q.shape[1]) for j in range(len(z))]
          weights = np.exp(scores) / np.sum(np.exp(scores))
          mixed = sum(w * v[j] for j, w in enumerate(weights))
          total[i] += mixed @ np.asarray(own['out']['kernel'], float)[head]
      z = z + total
      y = norm(f'mlp_norm_{layer}', z)
      hidden = [_affine(params[f'mlp_{layer}'], r) for r in y]
      z = z + [
        _affine(params[f'mlp_out_{layer}'], np.maximum(r, 0)) for r in hidden
      ]
    found = norm('norm', z).mean(0)
    if 'features' in params:
      found = _affine(params['features'], found)
    features.append(found)
    logits.append(_affine(params['logit'], found)[0])
  return np.array(logits), np.array(features)


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
