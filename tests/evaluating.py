"""Helpers of the tests of `evaluate`."""

import json
import pathlib

import pytest

from moegan_jax import config as configs
from moegan_jax import data
from moegan_jax.cli import evaluate
from moegan_jax.files import write_json
from moegan_jax.store import schema, workdir

QUICK = '--measures=bleu,self_bleu,diversity'
WORDS = ['a', 'the', 'man', 'dog', 'rides', 'runs', 'on', 'red', 'bike', '.']


def write(path, lines):
  """Writes a text file."""
  path.write_text('\n'.join(lines) + '\n', encoding='utf-8')


def read(path):
  """Reads the words of a text file."""
  return [line.split() for line in pathlib.Path(path).read_text().splitlines()]


def run(*argv, samples='samples.txt', references='references.txt'):
  """Runs `evaluate`; returns its exit code."""
  files = ['--samples', str(samples), '--references', str(references)]
  return evaluate.main([*files, *argv])


def run_json(capsys, *argv, **files):
  """Runs `evaluate` successfully; returns its JSON."""
  assert run('--format=json', *argv, **files) == 0
  return json.loads(capsys.readouterr().out, parse_constant=pytest.fail)


def make_run(codec='word', test_path='', path='train.txt', run='run'):
  """Makes the folder of a run on a text; returns its corpus."""
  config = configs.load('moegan:text')
  config.data.path, config.data.codec = path, codec
  config.data.test_path = test_path
  config.data.max_vocab = 260 if codec == 'bpe' else 0
  corpus = data.load(config.data).corpus
  folder = workdir.Workdir(run)
  folder.claim(config.to_dict())
  write_json(folder.path / schema.CORPUS, corpus.known())
  return corpus
