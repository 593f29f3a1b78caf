"""Bad input to `train`: one line and exit code 2."""

import numpy as np
import pytest
from command_line import ROOT, assert_refused, flags
from training import ORACLE, SMALL, SMALL_RUN

from moegan_jax import config
from moegan_jax.cli import train

pytestmark = pytest.mark.usefixtures('no_training')


def text_run(path, **more):
  """Returns the arguments of a run on a text file."""
  config = f'--config={ROOT / "configs/mle.py"}:text'
  return [config, f'--config.data.path={path}', *flags(**more)]


def coco(folder):
  """Returns the arguments of a run on COCO in a folder."""
  return [
    '--config=mle:coco,smoke',
    f'--config.data.dir={folder}',
  ]


def system(name, **more):
  """Returns the arguments of another system on the same corpus."""
  sizes = {key: SMALL[key] for key in ('data.train_size', 'data.test_size')}
  return [f'--config={name}:small', *flags(**sizes, **ORACLE, **more)]


# Name -> (function of a folder that returns arguments, words of the error).
BAD = {
  'no config': (lambda d: [], ['--config']),
  'config absent': (lambda d: ['--config=configs/none.py'], ['none.py']),
  'variant': (
    lambda d: [SMALL_RUN[0] + ',huge', *SMALL_RUN[1:]],
    ['huge', 'smoke'],
  ),
  'key': (lambda d: [*SMALL_RUN, '--config.mle.epoch=3'], ['epoch', 'epochs']),
  'no key': (
    lambda d: [*SMALL_RUN, '--config.workdir=x'],
    ['--config.workdir', 'did you mean --workdir'],
  ),
  'section': (lambda d: [*SMALL_RUN, '--config.mlee.lr=3'], ['mlee']),
  'type': (lambda d: [*SMALL_RUN, '--config.mle.epochs=many'], ['mle.epochs']),
  'flag': (lambda d: [*SMALL_RUN, '--workdri=x'], ['workdri']),
  'flag --config': (lambda d: ['--confg=moegan:small'], ['--confg=']),
  'flag of a key': (
    lambda d: [*SMALL_RUN, '--mle.lr=1'],
    ['did you mean --config.mle.lr=1'],
  ),
  'blank in a flag': (
    lambda d: [*SMALL_RUN, '--config.mle.lr', '1'],
    ['write --config.mle.lr=VALUE'],
  ),
  'word': (lambda d: [*SMALL_RUN, 'resume'], ['resume']),
  'system': (
    lambda d: [*SMALL_RUN, '--config.system=moegna'],
    ['system=', 'moegna', "'moegan'"],
  ),
  'corpus': (
    lambda d: [*SMALL_RUN, '--config.data.name=cocoa'],
    ['data.name', 'cocoa', "'coco'"],
  ),
  'text missing': (lambda d: text_run(d / 'none.txt'), ['none.txt']),
  'text empty': (lambda d: text_run(d / 'empty.txt'), ['empty.txt', 'empty']),
  'text binary': (lambda d: text_run(d / 'raw.txt'), ['raw.txt', 'binary']),
  'text folder': (lambda d: text_run(d), ['directory']),
  'text not given': (lambda d: text_run(''), ['path']),
  'column': (
    lambda d: [*text_run(d / 'my.csv'), '--config.data.column=captoin'],
    ['my.csv', 'data.column', 'captoin', "'caption'"],
  ),
  'label column': (
    lambda d: [*text_run(d / 'my.csv'), '--config.data.label_column=kinds'],
    ['my.csv', 'data.label_column', 'kinds', "'kind'"],
  ),
  'oracle file': (
    lambda d: [*SMALL_RUN, f'--config.data.oracle_file={d / "none.npz"}'],
    ['none.npz'],
  ),
  'workdir': (
    lambda d: [*SMALL_RUN, f'--workdir={d / "raw.txt"}'],
    ['raw.txt', 'file'],
  ),
  'widths': (
    lambda d: [*SMALL_RUN, '--config.discriminator.widths=(2, 9)'],
    ['discriminator.widths', '6'],
  ),
  'sharing': (
    lambda d: [
      *SMALL_RUN,
      *flags(generator__sharing='all', generator__experts=2),
    ],
    ['generator.sharing', 'experts'],
  ),
  'experts': (
    lambda d: [*SMALL_RUN, '--config.generator.experts=0'],
    ['generator.experts=0'],
  ),
  'batch': (
    lambda d: [*SMALL_RUN, '--config.mle.batch=201'],
    ['mle.batch=201', '200'],
  ),
  'rate': (lambda d: [*SMALL_RUN, '--config.mle.lr=0'], ['mle.lr']),
  'seed': (
    lambda d: [*SMALL_RUN, f'--config.seed={2**64}'],
    ['seed', '4294967295'],
  ),
  'seeds': (lambda d: [*SMALL_RUN, '--config.num_seeds=0'], ['num_seeds']),
  'best': (
    lambda d: [*SMALL_RUN, '--config.eval.best=blue4'],
    ['eval.best', 'blue4'],
  ),
  'best elsewhere': (
    lambda d: [*SMALL_RUN, '--config.eval.best=bleu4'],
    ['eval.best', 'bleu4'],
  ),
  'best on test': (
    lambda d: [*SMALL_RUN, '--config.eval.best=nll_test'],
    ['eval.best=nll_test', 'eval.selection=test'],
  ),
  'selection': (
    lambda d: [*SMALL_RUN, '--config.eval.selection=tests'],
    ['eval.selection', "'test'", 'validation'],
  ),
  'temperatures': (
    lambda d: [*SMALL_RUN, '--config.eval.temperatures=(0.5, 0.0)'],
    ['eval.temperatures', 'positive'],
  ),
  'embeddings': (
    lambda d: [*SMALL_RUN, f'--config.generator.embeddings={d / "none.txt"}'],
    ['generator.embeddings', 'none.txt', 'No such file'],
  ),
  'init_from': (
    lambda d: [*SMALL_RUN, f'--config.init_from={d}'],
    ['config.json'],
  ),
  'init_from without MLE': (
    lambda d: [*SMALL_RUN, f'--config.init_from={d / "game"}'],
    ['init_from', 'game', 'mle.epochs=0'],
  ),
  'no effect': (
    lambda d: [*SMALL_RUN, '--config.mmd.weight=0.5'],
    ['mmd.weight', 'no setting', 'system=moegan'],
  ),
  'loss': (lambda d: [*SMALL_RUN, '--config.game.loss=wgan'], ['wgan-gp']),
  'horizon': (lambda d: [*SMALL_RUN, '--config.game.horizon=1'], ['horizon']),
  # Contents of files.
  'pickle in an array': (
    lambda d: text_run(d / 'object.npy'),
    ['object.npy'],
  ),
  'pickle in an oracle': (
    lambda d: [*SMALL_RUN, f'--config.data.oracle_file={d / "object.npz"}'],
    ['object.npz'],
  ),
  'half a corpus': (lambda d: coco(d / 'half'), ['half', 'test_coco.txt']),
  'no corpus there': (lambda d: coco(d / 'none'), ['none', 'directory']),
  'JSON lines': (
    lambda d: text_run(d / 'bad.json', data__column='a'),
    ['bad.json'],
  ),
  'test text': (
    lambda d: text_run(d / 'good.txt', data__test_path=d / 'none.txt'),
    ['none.txt'],
  ),
  'line break in a name': (
    lambda d: [*SMALL_RUN, '--config.data.oracle_file=a\n\tb'],
    ['oracle file a b'],
  ),
  'torn config': (
    lambda d: [*SMALL_RUN, f'--workdir={d / "torn"}'],
    ['torn/config.json'],
  ),
  # Settings of a text corpus.
  'codec': (
    lambda d: text_run(d / 'good.txt', data__codec='words'),
    ['codec', 'words'],
  ),
  'header': (
    lambda d: text_run(d / 'my.csv', data__header='yes'),
    ['data.header', 'yes', 'auto'],
  ),
  'encoding': (
    lambda d: text_run(d / 'good.txt', data__encoding='utf-9'),
    ['data.encoding', 'utf-9', 'utf-8'],
  ),
  'bytes of another encoding': (
    lambda d: text_run(d / 'latin.txt'),
    ['latin.txt', '0xe9', 'line 1', 'data.encoding'],
  ),
  'header that is data': (
    lambda d: text_run(d / 'data.csv'),
    ['data.csv', "'7' in line 1 looks like data", 'data.header=false'],
  ),
  'ids of words': (
    lambda d: text_run(d / 'good.txt', data__codec='ids'),
    ['good.txt', 'ids'],
  ),
  'share of the test part': (
    lambda d: text_run(d / 'good.txt', data__test_share=1.0),
    ['test_share'],
  ),
  'shortest count': (
    lambda d: text_run(d / 'good.txt', data__min_count=-1),
    ['min_count'],
  ),
  'rarest word': (
    lambda d: text_run(d / 'good.txt', data__min_count=1000),
    ['good.txt', 'training lines'],
  ),
  'size of a vocabulary': (
    lambda d: text_run(d / 'good.txt', data__max_vocab=-1),
    ['max_vocab'],
  ),
  'longest sentence': (
    lambda d: text_run(d / 'good.txt', data__max_length=-1),
    ['max_length'],
  ),
  'too short for all': (
    lambda d: text_run(d / 'good.txt', data__max_length=1),
    ['max_length', 'good.txt'],
  ),
  # Incompatible settings.
  'soft and replayed': (
    lambda d: [
      *SMALL_RUN,
      *flags(game__feedback='soft', game__route='after'),
    ],
    ['game.route=after', 'game.feedback'],
  ),
  'latent noise and a log-likelihood': (
    lambda d: system('slgan', generator__latent=4, generator__cell='lstm'),
    ['slgan', 'generator.latent'],
  ),
  'alignment elsewhere': (
    lambda d: system('relgan', fsa__weight=0.5),
    ['fsa.weight', 'relgan'],
  ),
  'kernels': (
    lambda d: system('textgan', mmd__bandwidths=(0.0,)),
    ['bandwidths'],
  ),
  'solver': (
    lambda d: system('fmgan', transport__solver='simplex'),
    ['solver', 'simplex'],
  ),
  'rounds of transport': (
    lambda d: system('fmgan', transport__iterations=0),
    ['iterations=0'],
  ),
  'weights': (
    lambda d: system('jsdgan', jsd__normalise='max'),
    ['normalise', 'max'],
  ),
  'direction': (
    lambda d: system('slgan', slgan__direction='back'),
    ['slgan.direction', 'back'],
  ),
  'noise': (
    lambda d: system('slgan', slgan__noise=2.0),
    ['slgan.noise=2.0'],
  ),
  'a discriminator for MLE': (
    lambda d: system('mle', discriminator__embed=8),
    ['discriminator.embed', 'system=mle'],
  ),
  'more memory than there is': (
    lambda d: [*SMALL_RUN, f'--config.data.train_size={2**44}'],
    ['memory'],
  ),
}


@pytest.fixture
def files(tmp_path):
  """Creates a folder with files, most of them bad."""
  (tmp_path / 'empty.txt').write_bytes(b'')
  (tmp_path / 'raw.txt').write_bytes(b'a\0b\n' * 50)
  (tmp_path / 'good.txt').write_text('a dog runs .\n' * 50)
  (tmp_path / 'latin.txt').write_bytes(b'caf\xe9 .\n' * 50)
  (tmp_path / 'data.csv').write_text('7,a dog runs .\n' * 50)
  (tmp_path / 'bad.json').write_text('{"a": ')
  (tmp_path / 'game').mkdir()
  other = config.override(config.load('moegan:small'), {'mle.epochs': 0})
  (tmp_path / 'game/config.json').write_text(other.to_json())
  (tmp_path / 'torn/checkpoints/last-7').mkdir(parents=True)
  (tmp_path / 'torn/config.json').write_text('{"mle": ')
  (tmp_path / 'my.csv').write_text('kind,caption\n' + 'a,b\n' * 50)
  (tmp_path / 'half').mkdir()
  (tmp_path / 'half/image_coco.txt').write_text('a dog .\n' * 50)
  # Pickled objects, which must not be loaded.
  np.save(tmp_path / 'object.npy', np.array([{}], object), allow_pickle=True)
  np.savez(tmp_path / 'object.npz', embedding=np.array([{}], object))
  return tmp_path


@pytest.mark.parametrize('name', BAD)
def test_bad_input_is_reported_in_one_line(name, files):
  arguments, words = BAD[name]
  argv = [f'--workdir={files / "run"}', *arguments(files)]
  assert_refused(train, argv, *words, silent=False)
