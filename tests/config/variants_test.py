"""Variants, selectors and overrides of configurations."""

import pytest

from moegan_jax import config
from moegan_jax.config import program, training
from moegan_jax.config.files import call, find, names
from moegan_jax.config.scales import CORPORA, SCALES
from moegan_jax.errors import UserError

NO_REPRESENTATIONS = (
  'mle',
  'gsgan',
  'slgan',
  'jsdgan',
  'scratchgan',
  'maskgan',
  'cot',
  'dgsan',
  'dpgan',
)
CONFIGS = [name for name in names() if name != 'moegan_coco']


@pytest.mark.parametrize('variant', ['', 'cpu', 'smoke'])
@pytest.mark.parametrize('system', ['moegan', 'relgan', 'ccl'])
def test_temperature_horizon_does_not_depend_on_the_scale(system, variant):
  c = config.load(f'{system}:coco,{variant}')
  assert (c.game.beta, c.game.horizon) == (100.0, 5000)


@pytest.mark.parametrize('variant', ['', 'cpu', 'smoke'])
def test_schedules_that_span_the_run_are_rescaled(variant):
  gsgan = config.load(f'gsgan:{variant}')
  assert gsgan.game.horizon == gsgan.adversarial.steps
  slgan = config.load(f'slgan:{variant}')
  assert slgan.slgan.horizon == slgan.adversarial.steps
  maligan = config.load(f'maligan:{variant}')
  assert maligan.maligan.horizon == maligan.adversarial.steps


@pytest.mark.parametrize('variant', ['small', 'cpu', 'smoke', 'small,smoke'])
@pytest.mark.parametrize(
  'name',
  ['seqgan', 'maligan', 'rankgan', 'coldgan', 'sal', 'leakgan', 'sentigan'],
)
def test_scales_shorten_all_phases_and_keep_filters_of_widths(name, variant):
  paper, c = config.load(name), config.load(f'{name}:{variant}')
  assert len(paper.discriminator.widths) == 12
  for one in (paper, c):
    assert len(one.discriminator.filters) == len(one.discriminator.widths)
  kept = len(c.discriminator.widths)
  assert kept == (2 if 'smoke' in variant else 5)
  assert c.discriminator.widths == paper.discriminator.widths[:kept]
  section = 'coldgan' if name == 'coldgan' else 'pool'
  most = min(paper[section].pretraining, 40)
  assert 0 < c[section].pretraining <= most
  if name != 'coldgan':
    assert 0 < c.pool.negatives < paper.pool.negatives
  if name in ('seqgan', 'rankgan', 'sal', 'leakgan', 'sentigan'):
    # LeakGAN has 4 completions, which is the limit of `small`.
    assert c.rollout.samples < max(paper.rollout.samples, 5)
    assert c.rollout.samples % c.rollout.chunk == 0


@pytest.mark.parametrize(
  'variant, share', [('', 0.4), ('cpu', 0.4), ('small', 0.6)]
)
def test_temperature_grid_ends_at_the_share_of_the_paper(variant, share):
  grid = find('moegan_temperature', 'sweeps')
  base = call(grid, 'get_sweep', variant)['base']
  assert base.adversarial.steps / base.game.horizon == pytest.approx(share)


@pytest.mark.parametrize('corpus', CORPORA)
@pytest.mark.parametrize('name', CONFIGS)
def test_every_system_has_every_corpus_and_scale(name, corpus):
  """`load` checks that the system reads every key."""
  for scale in ('', *SCALES):
    if scale == 's64' and name in NO_REPRESENTATIONS:
      with pytest.raises(UserError, match=r's64.*no representations'):
        config.load(f'{name}:{corpus},{scale}')
      continue
    c = config.load(f'{name}:{corpus},{scale}')
    assert c.data.name == CORPORA[corpus][0]


def test_variants_commute():
  one = config.load('relgan:captions,s64,cpu')
  assert one.discriminator.representations == 64
  assert one == config.load('relgan:cpu,s64,captions')


def test_moegan_coco_config_is_moegan_on_coco():
  assert config.load('moegan_coco:cpu') == config.load('moegan:coco,cpu')
  assert config.load(str(find('moegan_coco'))) == config.load('moegan')


@pytest.mark.parametrize(
  'text, words',
  [
    ('moegan:tiny', "variant 'tiny' is unknown"),
    ('moegan:coco,emnlp', 'coco and emnlp are two corpora'),
    ('moegans', "mean 'moegan'"),
    ('configs/none.py', 'there is no file configs/none.py'),
  ],
)
def test_unknown_config_is_named(text, words):
  with pytest.raises(UserError, match=words):
    config.load(text)


def test_selector_recomposes_only_its_section():
  c = config.load('relgan')
  c.generator.embed = 7
  changed = config.override(
    c, {'generator.hidden': 9, 'generator.cell': 'lstm'}
  )
  assert changed.generator.hidden == 9
  assert changed.generator.embed == 7
  assert 'head_size' not in changed.generator
  assert 'head_size' in c.generator
  back = config.override(changed, {'generator.cell': 'rmc'})
  assert back.generator.head_size == 256


def test_fixed_length_data_have_no_end_settings():
  for name in CONFIGS:
    c = config.load(f'{name}:synthetic20')
    assert 'end_input' not in c.generator
    assert 'end' not in c.get('game', {})
    text = config.override(c, {'data.name': 'captions'})
    if name != 'maskgan':
      assert text.generator.end_input == 'zero'


@pytest.mark.parametrize(
  'name, key, value, words',
  [
    ('moegan', 'game.bta', '2', r'did you mean --config\.game\.beta'),
    ('moegan', 'generator.hidden', '3', r'no effect with .*cell=rmc'),
    ('mle', 'generator.vector_size', '3', r'no effect with .*embeddings='),
    ('relgan', 'fsa.weight', '1', r'no setting fsa\.weight'),
    ('mle', 'game.beta', '1', 'system=mle'),
    ('moegan', 'mle.epochs', 'many', "'many' is not of type int"),
    ('moegan', 'game.beta', 'none', 'not of type float'),
    ('moegan', 'game', '1', r'is a section; set --config\.game\.'),
    ('ccl', 'ccl.resample', '1', 'not of type bool'),
    ('ccl', 'data.name', 'cocoa', "mean 'coco'"),
  ],
)
def test_bad_override_is_named(name, key, value, words):
  with pytest.raises(UserError, match=words):
    config.override(config.load(name), {key: config.Text(value)})


@pytest.mark.parametrize(
  'key, text, value',
  [
    ('game.beta', '3', 3.0),
    ('mle.clip', 'inf', float('inf')),
    ('discriminator.widths', '(2, 3)', (2, 3)),
    ('discriminator.widths', '2', (2,)),
    ('eval.temperatures', '[0.5, 1.0]', (0.5, 1.0)),
    ('data.dir', '2024', '2024'),
    ('ccl.weight', '0.5', 0.5),
    ('eval.language_model', 'true', True),
  ],
)
def test_command_line_text_is_converted_to_the_type_of_the_setting(
  key, text, value
):
  section, name = key.split('.')
  given = {key: config.Text(text)}
  changed = config.override(config.load('moegan_ccl'), given)
  assert changed[section][name] == value
  assert type(changed[section][name]) is type(value)


def test_setting_without_effect_is_refused():
  c = config.load('relgan')
  c.game.bets = 3.0
  with pytest.raises(UserError, match=r'game\.bets.*mean --config\.game\.beta'):
    config.check_keys(c)
  c = config.load('relgan')
  del c.game['beta']
  with pytest.raises(UserError, match=r'game\.beta is missing'):
    config.check_keys(c)


def test_as_system_keeps_common_settings():
  c = config.load('moegan:small')
  other = config.as_system(c, 'mle')
  assert other.generator == c.generator and other.mle == c.mle
  assert set(other) == {*program.program(), *program.SECTIONS} | set(
    training.SYSTEMS['mle']
  )


def test_classes_are_a_selector_that_one_system_fixes():
  c = config.load('mle')
  assert 'classes' not in c.generator
  c = config.override(c, {'generator.conditional': True})
  assert c.generator.classes == 'input'
  senti = config.load('sentigan:captions')
  assert (
    senti.generator.conditional is True and senti.generator.classes == 'own'
  )
  with pytest.raises(UserError, match=r'conditional=False is not supported'):
    config.override(senti, {'generator.conditional': False})
  same = config.override(senti, {'generator.conditional': True})
  assert same == senti
  # The system decides, whatever a configuration was before.
  back = config.as_system(config.as_system(senti, 'mle'), 'sentigan')
  assert back.generator.conditional is True
  with pytest.raises(UserError, match=r'classes has no effect'):
    config.override(config.load('mle'), {'generator.classes': 'own'})
