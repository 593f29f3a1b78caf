"""Scores of empty and invalid samples, and of samples of a run."""

import os
import pathlib
import random

import numpy as np
import pytest
from evaluating import QUICK, WORDS, make_run, run, run_json, write

from moegan_jax.metrics import bleu, diversity

# --- no sample is refused -----------------------------------------------------


@pytest.mark.parametrize('name', ['samples.txt', 'samples.csv', 'samples.smi'])
@pytest.mark.parametrize('codec', ['word', 'char', 'smiles'])
def test_only_empty_samples_are_scored(texts, capsys, name, codec):
  header = ['text,label'] if name.endswith('csv') else []
  write(texts / name, [*header, *[',x' if header else ''] * 30])
  real = WORDS if codec != 'smiles' else ['CCO', 'CC', 'CBr', 'OCC']
  write(texts / 'references.txt', real * 10)
  flags = ['--train=references.txt', f'--codec={codec}', '--column=text']
  found = run_json(capsys, *flags, samples=name)
  assert found['bleu2'] == found['bleu5'] == found['self_bleu2'] == 0
  assert found['distinct_sentences'] == pytest.approx(1 / 30)
  assert found['top_sentence'] == 1 and found['mean_length'] == 0
  assert found.get('valid_molecules', 0) == 0
  assert found['protocol']['empty_samples'] == 30
  assert found['protocol']['invalid_samples'] == 0
  (mark,) = found['marks']
  assert mark.startswith('collapsed: distinct sentences 0.0')
  assert run(*flags, samples=name) == 0
  assert 'samples (collapsed)' in capsys.readouterr().out


@pytest.mark.parametrize(
  ('codec', 'samples', 'real', 'tokens'),
  [
    ('smiles', 'C!O', 'CCO', ['C', '!', 'O']),
    ('smiles', 'Cl x', 'CCl', ['C', 'l', ' ', 'x']),
    ('fasta', 'AC9T', 'ACGT', ['A', 'C', '9', 'T']),
    ('ids', '12 x -3', '12 7', ['12', 'x', '-3']),
  ],
)
def test_invalid_samples_are_counted(
  texts, capsys, codec, samples, real, tokens
):
  write(texts / 'bad.txt', [real, samples, '', real])
  write(texts / 'real.txt', [real] * 3)
  found = run_json(
    capsys,
    f'--codec={codec}',
    '--train=real.txt',
    samples='bad.txt',
    references='real.txt',
  )
  protocol = found['protocol']
  assert protocol['samples'] == 4 and protocol['invalid_samples'] == 1
  assert protocol['empty_samples'] == 1
  note = f'1 of 4 samples are invalid: the codec {codec} cannot read them'
  assert any(line.startswith(note) for line in protocol['notes'])
  lengths = [len(tokens), 0]
  size = {'smiles': 2 if 'l' in real else 3, 'fasta': 4, 'ids': 2}[codec]
  assert found['mean_length'] == (sum(lengths) + 2 * size) / 4
  assert found['copied'] == 2 / 4
  if codec == 'smiles':
    assert found['valid_molecules'] == 2 / 4
    assert found['unique_molecules'] == 1 / 2
  # The codec must be able to read real text.
  assert run(f'--codec={codec}', samples='real.txt', references='bad.txt') == 2
  assert capsys.readouterr().err.count('bad.txt: ') == 1


def test_molecules_need_no_references(texts, capsys):
  write(texts / 'drawn.txt', ['CCO', 'OCC', 'C1CC', 'CCC', 'not a molecule'])
  write(texts / 'known.smi', ['CCO', 'CC'])
  flags = ['--train=known.smi']
  found = run_json(capsys, *flags, samples='drawn.txt', references='')
  assert found['protocol']['tokeniser'] == 'smiles'
  assert found['valid_molecules'] == 3 / 5
  assert found['unique_molecules'] == pytest.approx(2 / 3)
  assert found['novel_molecules'] == 1 / 2
  assert not [key for key in found if key.startswith('bleu')]
  assert set(found['protocol']['real_text']) == {'real_train'}
  assert found['protocol']['references'] == 0
  said = 'no --references: BLEU and other comparisons'
  assert any(note.startswith(said) for note in found['protocol']['notes'])
  only = '--measures=molecules,novel_molecules'
  same = run_json(capsys, only, *flags, samples='drawn.txt', references='')
  assert same['novel_molecules'] == 1 / 2 and 'distinct_sentences' not in same
  for form in ('table', 'markdown'):
    page = ['--profile=all', f'--format={form}', *flags]
    assert run(*page, samples='drawn.txt', references='') == 0
  assert 'relgan' in capsys.readouterr().out


def test_collapse_is_tested_at_equal_sample_size(texts, capsys):
  """300 draws of 40 names repeat more often than 30 draws do."""
  rng = random.Random(0)
  names = [f'n{i} . x y' for i in range(40)]
  write(texts / 'many.txt', rng.choices(names, k=300))
  write(texts / 'few.txt', rng.choices(names, k=30))
  files = {'samples': 'many.txt', 'references': 'few.txt'}
  for flags in ([], ['--train=few.txt']):
    found = run_json(capsys, *flags, **files)
    real = found['protocol']['real_text']
    for row in real.values():
      assert found['distinct_sentences'] < 0.5 * row['distinct_sentences']
      assert 'self_bleu4' not in row
    assert not [m for m in found['marks'] if m.startswith('collapsed')]
  write(texts / 'many.txt', names[:3] * 100)
  assert run_json(capsys, **files)['marks'] == [
    'collapsed: distinct sentences 0.100 < 0.9 x 0.733 of real text, of equal '
    'numbers of sentences'
  ]


@pytest.mark.parametrize('codec', ['word', 'char'])
def test_samples_from_a_pipe(texts, capsys, codec):
  flags = [f'--codec={codec}', QUICK]
  want = run_json(capsys, *flags)
  reader, writer = os.pipe()
  os.write(writer, (texts / 'samples.txt').read_bytes())
  os.close(writer)
  try:
    assert run_json(capsys, *flags, samples=f'/dev/fd/{reader}') == want
  finally:
    os.close(reader)


# --- Unicode ------------------------------------------------------------------


@pytest.mark.parametrize('codec', ['word', 'char'])
def test_unicode_normal_forms_are_equal(texts, capsys, codec):
  write(texts / 'nfc.txt', ['un caf\u00e9 cr\u00e8me br\u00fbl\u00e9e'] * 2)
  write(texts / 'nfd.txt', ['un cafe\u0301 cre\u0300me bru\u0302le\u0301e'] * 2)
  files = {'samples': 'nfc.txt', 'references': 'nfd.txt'}
  flags = [f'--codec={codec}', '--train=nfd.txt', QUICK]
  found = run_json(capsys, *flags, **files)
  assert found['bleu2'] == pytest.approx(1) and found['copied'] == 1
  assert found['protocol']['normalisation'] == 'NFC'
  raw = run_json(capsys, *flags, '--normalise=none', **files)
  assert raw['bleu2'] < 0.6 and raw['copied'] == 0
  assert raw['protocol']['normalisation'] == 'none'
  for name in ('NFC', 'none'):
    assert run(*flags, f'--normalise={name}', **files) == 0
    assert f'; Unicode normalisation {name};' in capsys.readouterr().out


# --- a run's own samples ------------------------------------------------------

QUOTED = [
  'he said "{} {}" and left mr. {} .',
  '"{}" said the {} of mr. {}',
  'they can\'t {} the u.s. "{}", {}',
]
LINES = {
  'word': lambda rng: rng.choice(QUOTED).format(*rng.choices(WORDS, k=3)),
  'word_cased': lambda rng: rng.choice(QUOTED).format(
    *rng.choices([*WORDS, 'Mr.', 'A'], k=3)
  ),
  'char': lambda rng: ' '.join(rng.choices(['ab', 'c', 'e\u0301'], k=4)),
  'whitespace': lambda rng: ' '.join(rng.choices(["''", '``', 'a.', '"'], k=5)),
  'ids': lambda rng: ' '.join(str(rng.randint(1, 9)) for _ in range(5)),
  'smiles': lambda rng: ''.join(
    rng.choices(['C', 'Cl', '[nH]', 'O', '1'], k=6)
  ),
  'fasta': lambda rng: ''.join(rng.choices('ACGT', k=8)),
  'bpe': lambda rng: ' '.join(rng.choices(['abab', 'cab', 'ba'], k=4)),
}


def generated(corpus, rng, codec):
  """Returns sentences of random tokens as a run writes and measures them.

  Returns:
    The lines of its file of samples, and the words of its measures.
  """
  words = [word for word in corpus.vocabulary if word]
  longest = min(8, corpus.length)
  drawn = [rng.choices(words, k=rng.randint(3, longest)) for _ in range(50)]
  tokens = corpus.encode(drawn)
  # Random tokens of bpe are rarely the canonical ones of their text.
  assert (corpus.words(tokens) == drawn) == (codec != 'bpe')
  return corpus.text(tokens), corpus.words(tokens)


@pytest.mark.parametrize('codec', LINES)
def test_tokens_of_a_run_are_read_back(texts, capsys, codec):
  rng = random.Random(0)
  for name in ('train', 'test'):
    write(texts / f'{name}.txt', [LINES[codec](rng) for _ in range(60)])
  corpus = make_run(codec, test_path='test.txt')
  lines, tokens = generated(corpus, rng, codec)
  want = bleu.bleu(tokens, corpus.test_words) | bleu.self_bleu(tokens)
  folder = pathlib.Path('run/samples')
  folder.mkdir()
  write(folder / 'mle-1.txt', lines)
  write(texts / 'copy.txt', lines)
  calls = [
    (['--workdir=run'], {'samples': 'run/samples/mle-1.txt', 'references': ''}),
    (['--workdir=run'], {'samples': 'copy.txt', 'references': ''}),
  ]
  if codec != 'bpe':
    outside = [f'--codec={codec}']
    files = {'samples': 'run/samples/mle-1.txt', 'references': 'test.txt'}
    # `evaluate` composes characters, which the run does not.
    plain = ['--normalise=none'] if codec == 'char' else []
    calls.append(([*outside, *plain], files))
    if codec.startswith('word'):
      copy = {'samples': 'copy.txt', 'references': 'test.txt'}
      calls.append(([*outside, '--tokenised'], copy))
  for argv, files in calls:
    profile = 'texygen' if codec == 'word_cased' else 'strict'
    found = run_json(capsys, QUICK, f'--profile={profile}', *argv, **files)
    for key, scores in want.items():
      assert found[key] == pytest.approx(scores.mean(), abs=1e-12), (key, argv)
    distinct = diversity.distinct_sentences(tokens)
    assert found['distinct_sentences'] == distinct
    assert found['protocol']['invalid_samples'] == 0


def test_text_from_outside_is_split_by_nltk(texts, capsys):
  """Quotation marks outside of a run follow NLTK, as the golden digits do."""
  write(texts / 'drawn.txt', ["a man '' rides ."] * 2)
  write(texts / 'real.txt', ['a man "rides .'] * 2)
  files = {'samples': 'drawn.txt', 'references': 'real.txt'}
  found = run_json(capsys, QUICK, **files)
  assert found['bleu2'] == pytest.approx(1)
  note = "2 samples have a separate '', which NLTK reads as an opening"
  assert any(n.startswith(note) for n in found['protocol']['notes'])
  tokens = run_json(capsys, QUICK, '--tokenised', **files)
  assert not any(n.startswith(note) for n in tokens['protocol']['notes'])
  want = bleu.bleu(
    [['a', 'man', "''", 'rides', '.']], [['a', 'man', '``', 'rides', '.']]
  )
  np.testing.assert_allclose(tokens['bleu2'], want['bleu2'][0])
