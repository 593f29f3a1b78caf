"""Writes synthetic folders of finished runs, for the tests of reports."""

import json
import pathlib

import numpy as np

from moegan_jax.report.rows import Row
from moegan_jax.store import schema

TEMPERATURES = [0.5, 0.7, 0.9, 1.0, 1.25]
ROWS = {
  'start': 'MLE',
  'last': '{}, last',
  'best': '{}, best',
  'cooled': 'MLE, cooled',
}
SENTENCES = (
  'a man rides a brown horse on the beach .',
  'a <unk> of food & a cup of coffee on a table .',
  'two dogs are playing with a red ball in the grass .',
  '"a bathroom" with a white sink and a mirror .',
)

# Rows of real text.
REAL = [
  Row(
    'real train',
    {'self_bleu4': 0.574, 'distinct_sentences': 0.995},
    key='real_train',
  ),
  Row(
    'real test',
    {
      'self_bleu4': 0.6,
      'distinct_sentences': 0.99,
      'nearest': 0.5,
      'copied': 0.001,
    },
    key='real_test',
  ),
]


def write(
  path: pathlib.Path,
  system: str = 'moegan',
  seeds: int = 1,
  seed: int = 0,
  text: bool = True,
  benchmark: str = '',
  stands_in: str = '',
  quality: float = 0.0,
  hypotheses: int = 10_000,
  settings: dict | None = None,
  points: int = 60,
) -> pathlib.Path:
  """Writes the folder of a finished run.

  Args:
    path: the folder, which must not exist.
    system: 'mle' gives one phase and no discriminator.
    seeds: number of trained seeds.
    seed: of the run.
    text: False for the ids of a synthetic oracle.
    benchmark: corpus whose published rows are comparable; '' for none.
    stands_in: what replaces the benchmark's data.
    quality: added to BLEU, so that runs differ.
    hypotheses: number of samples of the protocol.
    settings: of config.json, in addition to the settings below.
    points: rows of each set of features.

  Returns:
    The folder.
  """
  path.mkdir(parents=True)
  rng = np.random.RandomState(seed + int(1000 * quality))
  gan = system != 'mle'
  corpus = benchmark or ('captions' if text else 'oracle')

  def over(value, spread=0.01):
    return (value + spread * rng.standard_normal(seeds)).tolist()

  def measured(key):
    cold = {'cooled': 0.5, 'last': 0.4}.get(key, 0)
    values = {
      'nll_train': over(0.6),
      'nll_test': over(0.71),
      'nll_test_token': over(2.3 + cold),
      'nll_test_token_se': over(0.02, 0.001),
    }
    if text:
      values |= {
        f'bleu{n}': over(b + quality + 0.1 * cold)
        for n, b in zip(range(2, 6), (0.73, 0.5, 0.31, 0.19))
      }
      values |= {
        f'self_bleu{n}': over(b + 0.1 * cold)
        for n, b in zip(range(2, 6), (0.88, 0.75, 0.57, 0.41))
      }
      values |= {'distinct_sentences': over(0.98), 'copied': over(0.05)}
    else:
      values |= {
        'nll_oracle': over(9.0 - 3 * cold),
        'entropy': over(7.4 - 3 * cold),
        'kl_pq': over(1.9 + cold),
        'kl_qp': over(2.3 - cold),
        'jeffreys': over(4.2),
      }
    return values

  _json(
    path / schema.CONFIG,
    {
      'system': system,
      'seed': seed,
      'num_seeds': seeds,
      'data': {'name': corpus},
      'fsa': {'weight': 1.0},
      **(settings or {}),
    },
  )
  _json(
    path / schema.ENVIRONMENT,
    [
      {
        'python': '3.11.9',
        'platform': 'Linux',
        'versions': {'jax': '0.10.2', 'numpy': '2.4.6', 'nltk': None},
        'device': 'TFRT_CPU',
        'devices': 1,
        'git': None,
        'command': ['launch.py', '--config=configs/moegan_coco.py:cpu'],
      }
    ],
  )
  record = {
    'name': corpus,
    'codec': 'word' if text else 'ids',
    'train_lines': 9500,
    'valid_lines': 500,
    'test_lines': 10_000,
    'vocab_size': 4660,
    'test_sha256': 'abc',
  }
  _json(
    path / schema.CORPUS,
    {'name': corpus, 'codec': record['codec'], 'record': record},
  )

  keys = list(ROWS) if gan else ['start']
  if text:
    keys = [k for k in keys if k != 'cooled']
  rows = [
    {
      'key': key,
      'label': ROWS[key].format(system),
      'values': measured(key),
      'note': 'lower jeffreys is better' if key == 'best' else '',
    }
    for key in keys
  ]
  if text:
    truth = {'bleu2': 0.74, 'bleu3': 0.52, 'bleu4': 0.337, 'bleu5': 0.218}
    own = {f'self_bleu{n}': 0.57 for n in range(2, 6)}
    own['distinct_sentences'] = 0.99
    rows += [
      {'key': 'real_train', 'label': 'real train', 'values': truth | own},
      {'key': 'real_test', 'label': 'real test', 'values': own},
    ]
  else:
    known = {'nll_oracle': 5.74, 'entropy': 5.74, 'kl_pq': 0, 'kl_qp': 0}
    rows.append({'key': 'real_train', 'label': 'oracle', 'values': known})
  stages = {'start': {'name': 'pretrain', 'label': 'MLE', 'end': 1000}}
  if gan:
    stages['last'] = {'name': 'adversarial', 'label': 'GAN', 'end': 1120}
  protocol = {'hypotheses': hypotheses}
  if text:
    protocol |= {'references': 10_000, 'casing': 'lower', 'tokeniser': 'word'}
  _json(
    path / schema.RESULTS,
    {
      'label': system,
      'corpus': corpus,
      'benchmark': benchmark,
      'stands_in': stands_in,
      'seeds': seeds,
      'stages': stages,
      'protocol': protocol,
      'rows': rows,
    },
  )

  _json(
    path / schema.CURVES,
    {
      'samples': 1000,
      'temperatures': TEMPERATURES,
      'curves': {key: _curve(rng, text, seeds, quality, key) for key in stages},
    },
  )
  _records(path / schema.METRICS, rng, text, seeds, gan)
  if text:
    _json(path / schema.TEXTS, _texts(gan))
  if gan:
    real = rng.standard_normal((points, 12)).astype(np.float32)
    fake = rng.standard_normal((points, 12)).astype(np.float32) + 1
    np.savez_compressed(path / schema.FEATURES, real=real, fake=fake)
  return path


def _json(path: pathlib.Path, value) -> None:
  path.write_text(json.dumps(value), encoding='utf-8')


def _curve(rng, text, seeds, quality, phase) -> dict:
  found = {}
  for temperature in TEMPERATURES:
    cold = 1.25 - temperature + (0.3 if phase == 'last' else 0)

    def over(value, spread=0.01):
      return (value + spread * rng.standard_normal(seeds)).tolist()

    values = (
      {
        'bleu5': over(0.12 + quality + 0.2 * cold),
        'self_bleu5': over(0.15 + 0.5 * cold**2),
        'auc_train': over(0.7 + 0.2 * cold),
      }
      if text
      else {
        'nll_oracle': over(10 - 4 * cold, 0.1),
        'nll_test': over(7.5 + 2 * cold**2, 0.1),
        'kl_qp': over(3 - 2 * cold, 0.05),
        'kl_pq': over(1.5 + 2 * cold**2, 0.05),
        'jeffreys': over(4.5 - 2 * cold + 2 * cold**2, 0.05),
      }
    )
    for key, value in values.items():
      found.setdefault(key, []).append(value)
  return found


def _records(path, rng, text, seeds, gan) -> None:
  records = []

  def add(kind, phase, step, **values):
    lines = {
      k: float(v[0]) if seeds == 1 else v.tolist() for k, v in values.items()
    }
    record = {'kind': kind, 'phase': phase, 'step': step, 'time': 1.76e9 + step}
    records.append(record | lines)

  def over(value, spread=0.02):
    return value * (1 + spread * rng.standard_normal(seeds))

  def evaluate(phase, step, n, gain):
    values = (
      {
        'bleu4': over(0.3 + gain),
        'bleu5': over(0.2 + gain),
        'self_bleu4': over(0.3 + gain if n < 5000 else 0.5 + gain),
        'nll_test_token': over(2.5 + gain),
      }
      if text
      else {
        'nll_oracle': over(9.5 - 20 * gain),
        'kl_pq': over(1.9 + gain),
        'kl_qp': over(2.3 - gain),
        'jeffreys': over(4.2),
      }
    )
    add('eval', phase, step, **values, samples=np.full(seeds, n))
    records[-1]['samples'] = n

  for step in range(50, 1001, 50):
    loss = over(5 * np.exp(-step / 300) + 2)
    add('train', 'pretrain', step, nll=loss, generator_grad_norm=over(1.0))
    if step % 250 == 0:
      evaluate('pretrain', step, 1000, 0.02 * step / 1000)
  evaluate('pretrain', 1000, 10_000, 0.02)
  if gan:
    for step in range(1010, 1121, 10):
      add(
        'train',
        'adversarial',
        step,
        g_loss=over(1 + (step - 1000) / 50),
        d_loss=over(0.7 * np.exp(-(step - 1000) / 40)),
        fsa=over(np.exp((step - 1000) / 20)),
        beta=over(1 + (step - 1000) / 60, 0),
        generator_grad_norm=over(2.0),
        discriminator_grad_norm=over(0.5),
      )
      if step % 40 == 0:
        evaluate('adversarial', step, 1000, 0.03)
    evaluate('adversarial', 1120, 10_000, 0.03)
  lines = ''.join(json.dumps(record) + '\n' for record in records)
  path.write_text(lines, encoding='utf-8')


def _texts(gan) -> dict:
  shape = np.exp(-0.5 * ((np.arange(30) - 11) / 2.5) ** 2)
  return {
    'row': 'last' if gan else 'start',
    'pairs': [
      {
        'sample': line.replace('brown', 'white').replace('two', 'three'),
        'nearest': line,
        'distance': i * 0.1,
      }
      for i, line in enumerate(SENTENCES)
    ],
    'top': [[SENTENCES[1], 12], [SENTENCES[0], 3]],
    'lengths': {
      'samples': (1000 * np.roll(shape, -1)).astype(int).tolist(),
      'train': (9000 * shape).astype(int).tolist(),
      'test': (9000 * np.roll(shape, 1)).astype(int).tolist(),
    },
  }
