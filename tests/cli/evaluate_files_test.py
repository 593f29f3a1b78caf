"""Unusual and bad files that `evaluate` reads and writes."""

import os
import random
import subprocess
import sys
import time

import pytest
from command_line import ROOT
from evaluating import QUICK, WORDS, read, run, run_json, write

from moegan_jax.metrics import bleu

# --- unusual files ----------------------------------------------------------


@pytest.mark.parametrize(
  ('content', 'sentences'),
  [
    (b'a man\n\na dog\n', ['a man', '', 'a dog']),
    (b'\na man\n \t\n', ['', 'a man', '']),
    (b'a man\r\n\r\na dog\r\n', ['a man', '', 'a dog']),
    (b'a man\r\n\r\na dog', ['a man', '', 'a dog']),
    (b'\xef\xbb\xbfa man\r\na dog', ['a man', 'a dog']),
    (b'\xef\xbb\xbf\na dog\n', ['', 'a dog']),
    (b'a man\ra dog\r', ['a man', 'a dog']),
    (b'a man\xe2\x80\xa8a dog\x0ca\n', ['a man\u2028a dog\x0ca']),
    (b'a dog', ['a dog']),
  ],
)
def test_every_line_is_one_sample(texts, capsys, content, sentences):
  (texts / 'nasty.txt').write_bytes(content)
  found = run_json(capsys, '--train=train.txt', samples='nasty.txt')
  words = [line.split() for line in sentences]
  protocol = found['protocol']
  assert protocol['samples'] == len(words)
  assert protocol['empty_samples'] == words.count([])
  want = bleu.bleu(words, read('references.txt'))
  assert found['bleu2'] == pytest.approx(want['bleu2'].mean(), abs=1e-12)
  assert ('self_bleu2' in found) == (len(words) > 1)
  said = f'{words.count([])} of {len(words)} samples are empty'
  assert any(said in note for note in protocol['notes']) == ([] in words)
  # Blank lines of references and training text are skipped.
  real = run_json(capsys, QUICK, '--train=nasty.txt', references='nasty.txt')[
    'protocol'
  ]
  assert real['references'] == real['train'] == sum(map(bool, words))
  for form in ('table', 'markdown'):
    assert run(QUICK, f'--format={form}', samples='nasty.txt') == 0


@pytest.mark.parametrize('codec', ['word', 'char'])
def test_long_lines_take_seconds(texts, capsys, codec):
  rng = random.Random(5)
  long = [' '.join(rng.choices(WORDS, k=1500))[:5000] for _ in range(20)]
  write(texts / 'long.txt', [*long, 'x' * 5000])
  start = time.process_time()
  files = {'samples': 'long.txt', 'references': 'long.txt'}
  names = '--measures=bleu,backward_bleu,self_bleu,diversity,ngrams,novelty'
  run_json(capsys, names, '--train=long.txt', f'--codec={codec}', **files)
  assert time.process_time() - start < 10


# --- bad input ------------------------------------------------------------


@pytest.mark.parametrize(
  ('argv', 'said'),
  [
    (['--samples=missing.txt'], 'missing.txt does not exist'),
    (['--references=missing.txt'], 'missing.txt does not exist'),
    (['--train=missing.txt'], 'missing.txt does not exist'),
    (['--samples=.'], '. is a directory'),
    (['--samples=empty.txt'], 'empty.txt is empty'),
    (['--references=blank.txt'], 'blank.txt has only blank lines'),
    (['--train=blank.txt'], 'blank.txt has only blank lines'),
    (['--references=latin.txt'], 'latin.txt is not UTF-8: byte 0xe9'),
    (['--samples=latin.txt'], 'latin.txt is not UTF-8: byte 0xe9'),
    (['--samples=binary.bin'], 'binary.bin is a binary file'),
    (['--codec=ids'], 'references.txt: '),
    (['--codec=words'], "unknown codec 'words'"),
    (['--profile=relgna'], "did you mean 'relgan'?"),
    (['--format=xml'], "invalid choice: 'xml'"),
    (['--measures=bluu'], "did you mean 'bleu'?"),
    (['--measures=novelty'], '--measures=novelty needs --train'),
    (['--measures=molecules'], '--measures=molecules needs --codec smiles'),
    (['--measures=frechet'], '--measures=frechet needs --language_model'),
    (['--output=no/such/folder'], 'name a file in a folder that exists'),
    (['--output=.'], 'name a file in a folder that exists'),
    (['--output=samples.txt'], 'samples.txt is one of the texts'),
    (['--workdir=run'], '--workdir includes the text of --references'),
    (['--references='], 'give --references, --train or both, or else'),
    (['--references=', '--train=train.txt', '--measures=bleu'], 'needs --ref'),
    (['--references=', '--train=train.txt', '--language_model'], 'needs --ref'),
    (['--tokenised', '--codec=char'], '--tokenised has no effect'),
    (['--normalise=NFX'], "invalid choice: 'NFX'"),
    (['--references=', '--workdir=run'], 'run is not a run'),
    (['--references=', '--workdir=x', '--train=y'], 'leave --train out'),
    (['--references=real.csv'], 'has the columns a, b: choose one by --column'),
    (['--references=real.csv', '--column=c'], "--column='c' is unknown"),
    (['--no_such_flag'], 'unrecognized arguments: --no_such_flag'),
  ],
)
def test_bad_input_is_one_line(texts, capsys, argv, said):
  (texts / 'empty.txt').touch()
  (texts / 'blank.txt').write_text('\n \n')
  (texts / 'latin.txt').write_bytes(b'a man\ncaf\xe9\n')
  (texts / 'binary.bin').write_bytes(b'a\0b\n')
  (texts / 'real.csv').write_text('a,b\n1,2\n')
  before = (texts / 'samples.txt').read_bytes()
  assert run(*argv) == 2
  out, error = capsys.readouterr()
  assert not out
  assert error.startswith('error: ') and said in error
  assert error.count('\n') == 1
  assert (texts / 'samples.txt').read_bytes() == before


def test_help_imports_no_heavy_package():
  code = (
    'import sys; from moegan_jax.cli import evaluate\n'
    'try: evaluate.main(["--help"])\n'
    'except SystemExit as end: assert not end.code\n'
    'assert not {"numpy", "jax", "nltk", "sklearn"} & set(sys.modules)'
  )
  done = subprocess.run(
    [sys.executable, '-c', code], cwd=ROOT, capture_output=True, text=True
  )
  assert done.returncode == 0, done.stderr
  assert '--profile' in done.stdout


def test_measuring_needs_no_jax(texts):
  code = (
    'import sys; from moegan_jax.cli import evaluate\n'
    f'code = evaluate.main({["--samples", "samples.txt"]}'
    f' + {["--references", "references.txt", "--train", "train.txt"]})\n'
    'sys.exit(code or "jax" in sys.modules)'
  )
  done = subprocess.run(
    [sys.executable, '-c', code],
    env={**os.environ, 'PYTHONPATH': str(ROOT)},
    capture_output=True,
    text=True,
  )
  assert done.returncode == 0, done.stderr


# --- output ---------------------------------------------------------------


def in_shell(command):
  """Runs a shell command in which $EVALUATE is a complete command line."""
  evaluate = (
    f'{sys.executable} -m moegan_jax evaluate --samples samples.txt'
    f' --references references.txt {QUICK}'
  )
  return subprocess.run(
    ['bash', '-c', f'set -o pipefail; {command}'],
    env={**os.environ, 'PYTHONPATH': str(ROOT), 'EVALUATE': evaluate},
    capture_output=True,
    text=True,
  )


def errors(done):
  """Returns the lines of standard error without warnings."""
  lines = done.stderr.splitlines()
  return [line for line in lines if not line.startswith('warning: ')]


@pytest.mark.parametrize(
  ('command', 'code', 'said'),
  [
    (
      '$EVALUATE > /dev/full',
      2,
      'standard output cannot be written: No space left',
    ),
    ('$EVALUATE >&-', 2, 'standard output cannot be written: it is closed'),
    ('$EVALUATE -o /dev/full', 2, 'cannot write /dev/full: No space left'),
    # `head` closes the pipe in both cases.
    pytest.param('$EVALUATE | head -1', 0, '', marks=pytest.mark.slow),
    ('$EVALUATE | head -0', 0, ''),
    ('$EVALUATE -o /dev/stdout | head -0', 0, ''),
  ],
)
def test_output_that_cannot_be_written(texts, command, code, said):
  done = in_shell(command)
  assert done.returncode == code
  if said:
    (error,) = errors(done)
    assert error.startswith(f'error: {said}')
  else:
    assert errors(done) == []


def test_output_to_standard_output_keeps_its_file(texts):
  command = '(echo before; $EVALUATE -o /dev/stdout; echo after) > page'
  assert in_shell(command).returncode == 0
  page = (texts / 'page').read_text()
  assert page.startswith('before\n') and page.endswith('\nafter\n')
  assert 'Self-BLEU-4' in page


def test_output_to_a_link_writes_its_target(texts):
  (texts / 'folder').mkdir()
  (texts / 'folder' / 'target').write_text('old')
  (texts / 'link').symlink_to('folder/target')
  (texts / 'new').symlink_to('folder/missing')
  for link, target in (('link', 'target'), ('new', 'missing')):
    assert run(QUICK, '-o', link) == 0
    assert (texts / link).is_symlink()
    assert 'Self-BLEU-4' in (texts / 'folder' / target).read_text()
  (texts / 'self').symlink_to('samples.txt')
  assert run(QUICK, '-o', 'self') == 2


def test_output_of_the_longest_file_name(texts):
  assert run(QUICK, '-o', 'x' * 255) == 0
  assert 'Self-BLEU-4' in (texts / ('x' * 255)).read_text()
