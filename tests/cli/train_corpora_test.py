"""Runs of `train` on captions, molecules and the user's own text."""

import gzip
import json

import numpy as np
import pytest
from command_line import flags
from training import CAPTIONS_RUN, TEXT_RUN, run

import moegan_jax
from moegan_jax import exported
from moegan_jax.data.captions import captions_oracle
from moegan_jax.errors import UserError

pytestmark = pytest.mark.usefixtures('own_cache', 'no_drawings')


@pytest.mark.slow
def test_captions_samples_use_words_of_the_vocabulary(tmp_path):
  argv = [*CAPTIONS_RUN, f'--workdir={tmp_path / "run"}']
  code, _, err = run(*argv)
  assert code == 0, err
  words = set(captions_oracle()[1])
  files = list((tmp_path / 'run' / 'samples').glob('*.txt'))
  assert files
  for file in files:
    rows = file.read_text(encoding='utf-8').splitlines()
    assert any(rows)
    assert {word for row in rows for word in row.split()} <= words
  table = (tmp_path / 'run' / 'results.md').read_text(encoding='utf-8')
  assert 'BLEU-4' in table and 'Self-BLEU-4' in table and 'real text' in table


def test_smiles_file_is_trained_measured_and_loaded(tmp_path):
  molecules = ['CCO', 'CC(=O)Cl', 'c1ccccc1', '[NH4+]', 'CBr'] * 30
  (tmp_path / 'my.smi').write_text('\n'.join(['SMILES', *molecules]))
  code, out, err = run(
    *TEXT_RUN,
    f'--config.data.path={tmp_path / "my.smi"}',
    f'--workdir={tmp_path / "run"}',
  )
  assert code == 0, err
  assert 'corpus      my (smiles tokens)' in out
  assert '151 lines, of which 150 are used' in out
  assert "my.smi: not readable by the codec smiles (first: line 1, 'M'" in out
  rows = json.loads((tmp_path / 'run' / 'results.json').read_text())['rows']
  values = {row['key']: row['values'] for row in rows}
  assert values['real_train']['valid_molecules'] == 1
  assert values['real_test']['novel_molecules'] == 0
  assert 'novel_molecules' not in values['real_train']
  assert 0 <= values['start']['valid_molecules'][0] <= 1
  loaded = moegan_jax.load(tmp_path / 'run')
  assert np.isfinite(loaded.log_prob(['CCO', 'CC(=O)Cl'])).all()
  with pytest.raises(UserError, match='no symbol of SMILES'):
    loaded.log_prob(['CCX'])


def test_fitted_codec_is_saved_in_the_workdir(tmp_path):
  lines = [
    json.dumps({'say': f'The dog no {i % 7} runs', 'kind': i % 2})
    for i in range(150)
  ]
  path = tmp_path / 'my.jsonl.gz'
  path.write_bytes(gzip.compress('\n'.join(lines).encode()))
  argv = [
    *TEXT_RUN,
    f'--config.data.path={path}',
    f'--workdir={tmp_path / "run"}',
    *flags(data__codec='bpe', data__max_vocab=280),
    *flags(data__column='say', data__label_column='kind'),
  ]
  code, out, err = run(*argv)
  assert code == 0, err
  assert 'labels      2 classes: ' in out
  code, out, err = run(*argv)  # the same bytes give the same codec
  assert code == 0 and 'this run is finished' in out, err
  path.unlink()
  loaded = moegan_jax.load(tmp_path / 'run')
  assert loaded.corpus.label_names == ('0', '1')
  tokens = loaded.encode(['The dog no 3 runs'])
  assert loaded.corpus.text(tokens) == ['The dog no 3 runs']
  assert (tokens < loaded.corpus.vocab_size).all()
  exported.write(tmp_path / 'generator', loaded, {})
  about = json.loads((tmp_path / 'generator' / 'generator.json').read_text())
  assert len(about['bytes']) == 256 and about['separator'] == ''
  sampler = exported.load(tmp_path / 'generator')
  assert sampler.sample(3) == loaded.sample(3)
