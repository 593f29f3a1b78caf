"""HTML reports: well-formed, self-contained, escaped, correct values."""

import html.parser
import json
import re
import xml.etree.ElementTree

import fake_runs
import numpy as np
import pytest

from moegan_jax.errors import UserError
from moegan_jax.report import describe, figures, runs, style
from moegan_jax.report import html as reports

VOID = {'meta', 'br', 'link', 'img', 'input', 'hr'}


class Page(html.parser.HTMLParser):
  """Checks that elements are closed in order; collects links and ids."""

  def __init__(self, text: str):
    super().__init__(convert_charrefs=True)
    self.open, self.ids, self.links, self.words = [], [], [], []
    self.tags: dict[str, int] = {}
    self.feed(text)
    self.close()
    assert self.open == []

  def handle_starttag(self, tag, attributes):
    self.handle_startendtag(tag, attributes)
    if tag not in VOID:
      self.open.append(tag)

  def handle_startendtag(self, tag, attributes):
    self.tags[tag] = self.tags.get(tag, 0) + 1
    for name, value in attributes:
      self.ids += [value] if name == 'id' else []
      if name in ('src', 'href', 'xlink:href', 'srcset', 'data', 'action'):
        self.links.append(value)

  def handle_endtag(self, tag):
    assert self.open and self.open.pop() == tag, tag

  def handle_data(self, data):
    if self.open and self.open[-1] != 'style':
      self.words.append(data)

  @property
  def text(self) -> str:
    return ' '.join(' '.join(self.words).split())


def check(text: str) -> Page:
  """Checks that a page is well-formed and loads nothing."""
  page = Page(text)
  assert len(page.ids) == len(set(page.ids))
  for link in page.links:
    assert link.startswith('data:image/png;base64,') or link[1:] in page.ids
  assert not re.search(r'https?://|@import|<script|<link', text)
  for target in re.findall(r'url\(([^)]*)\)', text):
    assert target.strip('#"') in page.ids
  return page


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
  """Returns the folder of two runs and the report of one of them."""
  base = tmp_path_factory.mktemp('runs')
  fake_runs.write(base / 'text', seeds=2, benchmark='coco')
  fake_runs.write(base / 'oracle', text=False)
  reports.write(base / 'text')
  return base


def test_a_report_is_well_formed_and_loads_nothing(folder):
  page = check((folder / 'text/report.html').read_text(encoding='utf-8'))
  assert page.tags['svg'] == 5
  for section in ('results', 'temperature', 'training', 'features', 'samples'):
    assert section in page.ids
  assert 'published' in page.ids and 'moegan on coco' in page.text
  assert '1,000 MLE + 120 GAN' in page.text


def test_figures_are_written_as_png(folder):
  names = {path.name for path in (folder / 'text/figures').iterdir()}
  assert names == {
    'temperatures.png',
    'losses.png',
    'measures.png',
    'features.png',
    'lengths.png',
  }
  for path in (folder / 'text/figures').iterdir():
    content = path.read_bytes()
    assert content.startswith(b'\x89PNG') and len(content) > 5000


def test_numbers_are_mean_and_deviation_over_seeds(folder):
  page = check((folder / 'text/report.html').read_text(encoding='utf-8'))
  results = json.loads((folder / 'text/results.json').read_text())
  for row in results['rows'][:3]:
    for key, values in row['values'].items():
      said = f'{np.mean(values):.3f} ± {np.std(values, ddof=1):.3f}'
      assert key.endswith('_se') or said in page.text


def test_text_is_escaped_and_differences_are_marked(folder):
  text = (folder / 'text/report.html').read_text(encoding='utf-8')
  assert '&lt;unk&gt; of food &amp; a cup' in text and '<unk>' not in text
  assert '<mark>white</mark>' in text and '<mark>brown</mark>' in text
  assert '&#34;a bathroom&#34;' in text


def test_an_oracle_has_standard_errors_and_no_text(folder):
  path = reports.write(folder / 'oracle')
  page = check(path.read_text(encoding='utf-8'))
  assert path == folder / 'oracle/report.html'
  assert 'samples' not in page.ids and 'published' not in page.ids
  run = runs.load(folder / 'oracle')
  value, error = (
    run.rows[0].values[k][0] for k in ('nll_test_token', 'nll_test_token_se')
  )
  assert f'{value:.3f} se {error:.3f}' in page.text
  assert 'MLE, cooled' in page.text and '5.740' in page.text


def test_marks_and_stand_ins_are_banners(tmp_path):
  path = fake_runs.write(tmp_path / 'a', stands_in='captions stand in <here>')
  results = json.loads((path / 'results.json').read_text())
  results['rows'][1]['values']['distinct_sentences'] = [0.3]
  (path / 'results.json').write_text(json.dumps(results))
  for name in ('features.npz', 'curves.json', 'metrics.jsonl'):
    (path / name).unlink()
  text = reports.write(path).read_text(encoding='utf-8')
  page = check(text)
  assert 'captions stand in <here>' in page.text
  assert '<b>moegan, last:</b> collapsed: distinct sentences 0.300' in text
  assert '<span class="badge">collapsed</span>' in text


@pytest.mark.parametrize(('self_bleu', 'wins'), [(0.95, False), (None, True)])
def test_quality_is_bold_unless_diversity_is_lost(tmp_path, self_bleu, wins):
  path = fake_runs.write(tmp_path / 'a')
  for file in path.iterdir():
    if file.name not in ('config.json', 'results.json'):
      file.unlink()
  results = json.loads((path / 'results.json').read_text())
  mle, gan = (row['values'] for row in results['rows'][:2])
  gan.update(mle, bleu4=[0.99])
  if self_bleu:
    gan['self_bleu4'] = [self_bleu]
  (path / 'results.json').write_text(json.dumps(results))
  text = reports.write(path).read_text(encoding='utf-8')
  said = (
    'moegan, last leads in quality and is not emphasised' in check(text).text
  )
  bold = '<td class="n  best"><span class="m">0.990</span>' in text
  assert '<span class="m">0.990</span>' in text
  assert (bold, said) == (wins, not wins)


def test_report_of_config_and_results_only(tmp_path):
  path = fake_runs.write(tmp_path / 'a', system='mle')
  for file in path.iterdir():
    if file.name not in ('config.json', 'results.json'):
      file.unlink()
  page = check(reports.write(path).read_text(encoding='utf-8'))
  assert page.tags.get('svg', 0) == 0 and 'results' in page.ids
  assert not (path / 'figures').exists()


def test_newest_sample_file_is_shown_without_examples(tmp_path):
  path = fake_runs.write(tmp_path / 'a', text=False, system='mle')
  (path / 'samples').mkdir()
  for name in ('curves.json', 'metrics.jsonl'):
    (path / name).unlink()
  (path / 'samples/pretrain-9.txt').write_text('2 7 1 8 2\n')
  (path / 'samples/pretrain-1000.txt').write_text('3 1 4 1 5\n')
  page = check(reports.write(path).read_text(encoding='utf-8'))
  assert '3 1 4 1 5' in page.text and '2 7 1' not in page.text


def test_an_unfinished_run_is_refused(tmp_path):
  path = fake_runs.write(tmp_path / 'a')
  (path / 'results.json').unlink()
  with pytest.raises(UserError, match='not finished'):
    reports.write(path)


def test_pieces_compare_tokens_or_characters():
  assert describe.pieces('CCO', 'CCN', '') == [('CC', False), ('O', True)]
  assert describe.pieces('a b', 'a b', ' ') == [('a b', False)]


def test_comparison_page(tmp_path, folder):
  paths = [
    folder / 'text',
    folder / 'oracle',
    *(
      fake_runs.write(
        tmp_path / f'no_fsa-s{seed}',
        seed=seed,
        benchmark='coco',
        quality=0.05,
        settings={'fsa': {'weight': 0.0}, 'num_seeds': 2},
      )
      for seed in (0, 1)
    ),
  ]
  groups = runs.fold([runs.load(path) for path in paths])
  text = reports.comparison_page(runs.benches(groups))
  page = check(text)
  assert 'Comparison of 4 runs' in page.text
  assert 'no_fsa (2 runs)' in page.text
  assert 'fsa.weight 1.0 0.0' in page.text
  values = np.concatenate(
    [runs.load(path).rows[1].values['bleu4'] for path in paths[2:]]
  )
  assert f'{values.mean():.3f} ± {values.std(ddof=1):.3f}' in page.text
  assert page.tags['svg'] == 6


def test_skipped_pretraining_is_not_a_step(tmp_path):
  run = runs.load(fake_runs.write(tmp_path / 'a'))
  records = [
    {'kind': 'eval', 'phase': 'pretrain', 'step': 0},
    {'kind': 'train', 'phase': 'adversarial', 'step': 100},
  ]
  group = runs.RunGroup('a', (run._replace(records=records),))
  assert dict(describe.facts(group))['steps'] == '100 GAN'


def test_svg_is_xml_with_colours_of_the_page(folder):
  (group,) = runs.fold([runs.load(folder / 'oracle')])
  text = style.svg(figures.temperatures([group]), 'name')
  xml.etree.ElementTree.fromstring(text)
  assert 'var(--c0)' in text and 'var(--ink)' in text
  assert style.COLOURS[0] not in text
  assert text == style.svg(figures.temperatures([group]), 'name')
