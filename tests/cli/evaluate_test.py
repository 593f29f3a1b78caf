"""Results of `evaluate`: JSON, tables, marks and golden digits."""

import json
import os
import pathlib
import random

import numpy as np
import pytest
from evaluating import QUICK, WORDS, make_run, read, run, run_json, write

from moegan_jax.evaluate.measuring import BLEU
from moegan_jax.metrics import METRICS, LanguageModel, bleu
from moegan_jax.scoring import language_model

# --- the result -----------------------------------------------------------


def test_json_is_one_flat_object(texts, capsys):
  found = run_json(capsys, '--train=train.txt')
  protocol, marks = found.pop('protocol'), found.pop('marks')
  assert marks == []
  assert all(type(value) is float for value in found.values())
  keys = {key.removesuffix('_low').removesuffix('_high') for key in found}
  assert {k.removesuffix('_se') for k in keys} <= set(METRICS)
  for n in range(2, 6):
    for key, scores in (
      (f'bleu{n}', bleu.bleu(read('samples.txt'), read('references.txt'))),
      (f'self_bleu{n}', bleu.self_bleu(read('samples.txt'))),
    ):
      assert found[key] == pytest.approx(scores[key].mean(), abs=1e-12)
      assert found[f'{key}_low'] < found[key] < found[f'{key}_high']
  real = protocol['real_text']
  assert set(real) == {'real_train', 'real_test'}
  own = bleu.self_bleu(read('train.txt'))['self_bleu4'].mean()
  assert real['real_train']['self_bleu4'] == pytest.approx(own, abs=1e-12)
  assert 'bleu2' not in real['real_test'] and 'copied' in real['real_test']
  assert 'copied' not in real['real_train']
  counts = {k: protocol[k] for k in ('samples', 'references', 'train')}
  assert counts == {'samples': 60, 'references': 60, 'train': 60}
  assert protocol['casing'] == 'lower' and 'NLTK' in protocol['tokeniser']
  assert protocol['notes'] == [
    '60 samples are few: below 1,000 numbers are noisy'
  ]


def test_profiles_are_side_by_side(texts, capsys):
  rng = random.Random(3)
  lines = [' '.join(rng.choices(WORDS, k=8)) for _ in range(300)]
  write(texts / 'cased.txt', [line.title() for line in lines])
  every = run_json(capsys, '--profile=all', samples='cased.txt')
  assert list(every) == ['strict', 'texygen', 'relgan', 'textgan']
  for name, found in every.items():
    one = run_json(capsys, QUICK, f'--profile={name}', samples='cased.txt')
    for key in ('bleu2', 'bleu5', 'self_bleu2', 'self_bleu5', 'bleu4_low'):
      assert one[key] == found[key]
  # No reference has words in upper case; only the period matches.
  assert every['texygen']['bleu2'] < 0.5 * every['strict']['bleu2']
  assert every['relgan']['self_bleu5'] == pytest.approx(1)
  scored = {n: found['protocol']['hypotheses'] for n, found in every.items()}
  assert scored == {
    'strict': 300,
    'texygen': 300,
    'relgan': 100,
    'textgan': 200,
  }
  assert every['relgan']['protocol']['self_bleu_hypotheses'] == 200


@pytest.mark.parametrize('form', ['table', 'markdown'])
def test_table_and_markdown_pages(texts, capsys, form):
  assert run('--train=train.txt', f'--format={form}') == 0
  page = capsys.readouterr().out
  value = bleu.bleu(read('samples.txt'), read('references.txt'))['bleu4'].mean()
  for part in ('Self-BLEU-4', 'real train', 'real test', f'{value:.3f}'):
    assert part in page
  assert '95 % from' in page and '* strict: all samples' in page
  assert '60 samples, 60 references, 60 training lines; word (NLTK' in page
  assert page.isascii() and all(
    line == line.rstrip() for line in page.split('\n')
  )
  assert run('--profile=all', f'--format={form}', '-o', 'page') == 0
  page = pathlib.Path('page').read_text()
  for part in ('texygen', 'relgan', 'textgan', 'word_cased'):
    assert part in page


def test_marks_of_collapse_and_memorisation(texts, capsys):
  write(texts / 'same.txt', ['a man rides a red bike .'] * 60)
  assert run(samples='same.txt') == 0
  page = capsys.readouterr().out
  assert 'samples (collapsed)' in page
  assert '* collapsed: distinct sentences 0.017 < 0.9' in page
  # The marks come from the profile strict: relgan gives all text about 1.
  assert run_json(capsys, '--profile=relgan', samples='same.txt')['marks']
  (mark,) = run_json(capsys, QUICK, '--train=train.txt', samples='train.txt')[
    'marks'
  ]
  assert mark.startswith('memorised: copied sentences 1.000')
  assert run('--format=json', '--train=train.txt', samples='train.txt') == 0
  assert f'warning: {mark}' in capsys.readouterr().err


# BLEU-2..5, then Self-BLEU-2..5, of the samples released with Texygen.
GOLDEN = {
  'mle': '.731387 .497373 .305423 .189404 .915850 .769354 .582886 .409000',
  'seq': '.745664 .497745 .294530 .180113 .950965 .840966 .670374 .490000',
  'leakgan': '.745659 .527893 .355012 .229993 .966248 .913318 .848570 .780423',
}


@pytest.mark.parametrize('name', GOLDEN)
def test_golden_digits(benchmark_files, own_cache, capsys, name):
  found = run_json(
    capsys,
    QUICK,
    samples=benchmark_files / f'samples_{name}.txt',
    references=benchmark_files / 'test_coco.txt',
  )
  got = [found[f'{key}{n}'] for key in BLEU for n in range(2, 6)]
  want = list(map(float, GOLDEN[name].split()))
  np.testing.assert_allclose(got, want, rtol=0, atol=5.1e-7)
  assert found['protocol']['normalisation'] == 'NFC'
  assert found['protocol']['notes'] == []
  if name == 'leakgan':
    assert found['marks'] == [
      'collapsed: distinct sentences 0.707 < 0.9 x 0.987 of real text'
    ]


@pytest.mark.parametrize('train', [True, False])
def test_language_models(texts, capsys, monkeypatch, train):
  """Checks which text each model is fitted to and which text it scores."""
  fitted = []

  class Fake:
    def __init__(self, vocabulary_text, valid, **settings):
      assert valid == vocabulary_text[-3:]  # a twentieth of 60 lines

    def fit(self, sentences):
      fitted.append(len(sentences))

      def nll(judged):
        counts = np.array([len(words) + 1.0 for words in judged])
        return counts * len(
          sentences
        ), counts  # nats per token identify the model

      return LanguageModel(nll, lambda judged: np.zeros((len(judged), 2)))

    def describe(self):
      return 'a fake'

  monkeypatch.setattr(language_model, 'LanguageModels', Fake)
  flags = ['--train=train.txt'] if train else []
  found = run_json(capsys, '--language_model', *flags)
  assert set(fitted) == {57, 60}
  assert found['lm_score'] == pytest.approx(57)
  assert found['reverse_lm_score'] == pytest.approx(60)
  assert found['frechet_lm'] == 0
  assert found['protocol']['language_model'] == 'a fake'
  real = found['protocol']['real_text']
  if train:
    # The training text has no score under the model fitted to it.
    assert 'lm_score' not in real['real_train']
    assert real['real_train']['reverse_lm_score'] == pytest.approx(57)
    assert real['real_test']['lm_score'] == pytest.approx(57)
  assert ('lm_score' in real['real_test']) == train


# --- the texts -----------------------------------------------------------


def test_chinese_characters(texts, capsys):
  lines = ['我喜欢苹果', '你喜欢香蕉吗', '他不喜欢苹果']
  write(texts / 'zh.txt', lines)
  found = run_json(
    capsys, QUICK, '--codec=char', samples='zh.txt', references='zh.txt'
  )
  assert found['bleu5'] == pytest.approx(1)
  assert found['mean_length'] == pytest.approx(17 / 3)
  want = bleu.self_bleu(list(map(list, lines)))['self_bleu2'].mean()
  assert found['self_bleu2'] == pytest.approx(want, abs=1e-12)
  assert found['protocol']['tokeniser'] == 'char'


def test_smiles_codec_adds_molecule_measures(texts, capsys):
  write(texts / 'a.smi', ['CCO', 'OCC', 'C(C', 'CBr'])
  files = {'samples': 'a.smi', 'references': 'a.smi'}
  found = run_json(capsys, '--codec=smiles', **files)
  assert found['valid_molecules'] == 3 / 4
  assert found['unique_molecules'] == pytest.approx(2 / 3)
  assert 'valid_molecules' not in run_json(capsys, '--codec=char', **files)


def test_files_are_read_as_in_training(texts, capsys):
  (texts / 'real.csv').write_text(
    'id,say,kind\n1,"a red, red bike",x\n2,a dog,y\n3,broken\n4,,x\n'
  )
  write(texts / 'plain.txt', ['a red, red bike', 'a dog'])
  files = ['--column=say', '--train=real.csv', QUICK]
  table = run_json(capsys, *files, references='real.csv')
  plain = run_json(capsys, '--train=plain.txt', QUICK, references='plain.txt')
  assert table['bleu2'] == plain['bleu2'] > 0
  notes = '\n'.join(table['protocol']['notes'])
  assert '1 blank lines of real.csv were skipped' in notes
  assert '1 of real.csv: a row with another number of fields' in notes

  write(texts / 'real.smi', ['CCO ethanol', 'CC(=O)O acetic acid'])
  write(texts / 'drawn.txt', ['CCO', '', 'CCl'])
  drawn = run_json(capsys, QUICK, samples='drawn.txt', references='real.smi')
  assert drawn['protocol']['tokeniser'] == 'smiles'
  assert drawn['protocol']['empty_samples'] == 1


def test_file_names_that_are_not_utf8(texts, capsys):
  name = os.fsdecode(b'caf\xe9')
  (texts / 'train.txt').rename(texts / f'{name}.txt')
  make_run(path=f'{name}.txt', run=name)
  argv = [QUICK, '--format=json', f'--workdir={name}', f'--output={name}.json']
  assert run(*argv, samples=f'{name}.txt', references='') == 0
  found = json.loads((texts / f'{name}.json').read_text(encoding='utf-8'))
  assert found['copied'] > 0.5
  capsys.readouterr()
  (texts / f'{name}.txt').rename(texts / 'train.txt')
  assert run(f'--workdir={name}', references='') == 2
  error = capsys.readouterr().err
  assert 'the text of caf' in error and error.count('\n') == 1
  error.encode()  # prints on any terminal


@pytest.mark.parametrize('codec', ['word', 'bpe'])
def test_workdir_flag_reads_the_texts_of_a_run(texts, capsys, codec):
  corpus = make_run(codec)
  for name in ('train', 'test'):
    words = getattr(corpus, f'{name}_words')
    write(texts / f'own-{name}.txt', map(corpus.codec.join, words))
  found = run_json(capsys, '--workdir=run', references='')
  assert found['protocol']['tokeniser'].split()[0] == codec
  assert found['protocol']['train'] == len(corpus.train)
  assert found['protocol']['references'] == len(corpus.test)
  if codec == 'word':
    files = {'references': 'own-test.txt'}
    assert found == run_json(capsys, '--train=own-train.txt', **files)
  (texts / 'moved').mkdir()
  (texts / 'train.txt').rename(texts / 'moved' / 'train.txt')
  assert run('--workdir=run', references='') == 2
  error = capsys.readouterr().err
  assert 'train.txt, the text of run, does not exist' in error
  assert 'by --texts' in error and error.count('\n') == 1
  moved = ['--workdir=run', '--texts=moved']
  assert found == run_json(capsys, *moved, references='')
  assert run('--texts=moved') == 2
  assert '--texts has no effect without --workdir' in capsys.readouterr().err
  write(texts / 'train.txt', ['another text of mine'] * 60)
  assert run('--workdir=run', references='') == 2
  assert 'a text that has changed' in capsys.readouterr().err
