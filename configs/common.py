"""All settings with their defaults, and the scales that experiments share.

An experiment file takes `base()`, sets what its paper differs in, and hands
the result to `finish`, which applies the variants after the colon of
`--config=configs/NAME.py:VARIANT`. A setting of the command line,
`--config.adversarial.steps=100`, is applied after the variant.
"""

import math

from ml_collections import ConfigDict

from moegan_jax.errors import UserError


def base() -> ConfigDict:
  """Every setting there is; MoEGAN's paper on COCO where it gives a value."""
  c = ConfigDict()
  c.system = 'moegan'  # a key of moegan_jax.systems.SYSTEMS
  c.seed = 0  # of parameters, batches and samples
  c.num_seeds = 1  # runs side by side, each with its own parameters
  c.init_from = ''  # workdir whose generator after MLE is the start

  c.data = ConfigDict()
  c.data.name = 'coco'  # coco, coco_iid, emnlp, captions, oracle, text
  c.data.dir = ''  # folder with the benchmark's files; else MOEGAN_DATA_DIR
  c.data.offline_fallback = 'captions'  # where coco or emnlp cannot be had
  c.data.valid_share = 0.05  # last lines of the training part; 0: legacy
  c.data.limit = 0  # use the first sequences of the training part; 0: all
  c.data.path = ''  # text: the file, a sentence a line
  c.data.test_path = ''  # text: held-out file; else a part of `path`
  c.data.test_share = 0.1  # text: that part
  c.data.codec = 'word'  # text: word, char, whitespace
  c.data.max_length = 0  # text: longest sentence in tokens; 0: no limit
  c.data.min_count = 1  # text: how often a word must occur
  c.data.vocab_size = 5000  # oracle: words
  c.data.length = 20  # oracle: T
  c.data.oracle_dim = 32  # oracle: embedding and hidden size of its LSTM
  c.data.oracle_seed = 0  # oracle: of its parameters
  c.data.oracle_file = ''  # oracle: .npz with parameters
  c.data.train_size = 10_000  # oracle, captions: sequences
  c.data.test_size = 10_000  # oracle, captions: sequences
  c.data.sample_seed = 1  # oracle, captions: of the drawn sequences

  c.generator = ConfigDict()
  c.generator.cell = 'rmc'  # rmc, lstm
  c.generator.embed = 32  # E
  c.generator.init = 'relgan'  # relgan, textgan, uniform, seqgan
  c.generator.hidden = 32  # lstm: H
  c.generator.slots = 1  # rmc: N
  c.generator.heads = 2  # rmc
  c.generator.head_size = 256  # rmc: memory width M = heads * head_size
  c.generator.key_size = 0  # rmc; 0: head_size
  c.generator.blocks = 1  # rmc: attention blocks a step
  c.generator.mlp_layers = 2  # rmc
  c.generator.gate = 'unit'  # rmc: unit, memory, none
  c.generator.forget_bias = 1.0  # rmc
  c.generator.input_bias = 0.0  # rmc
  c.generator.flavour = 'santoro'  # rmc: santoro, relgan, textgan
  c.generator.experts = 2
  c.generator.sharing = 'embed_out'  # embed_out, mgan, none
  c.generator.aggregation = 'repr_mean'  # repr_mean (paper), prob_mean

  c.discriminator = ConfigDict()
  c.discriminator.embed = 64  # E
  c.discriminator.widths = (2, 3, 4, 5)  # of the filters, in tokens
  c.discriminator.filters = 300  # of each width
  c.discriminator.representations = 1  # S: 1 (MoEGAN's text), 64 (RelGAN)
  c.discriminator.features = 100  # F
  c.discriminator.highway = 'separate'  # separate, tied
  c.discriminator.dropout = 0.25  # share of units
  c.discriminator.init = 'relgan'

  c.mle = ConfigDict()
  c.mle.epochs = 150  # passes over the training part
  c.mle.batch = 128  # sequences
  c.mle.lr = 1e-2  # Adam
  c.mle.clip = 5.0  # global norm

  c.adversarial = ConfigDict()
  c.adversarial.steps = 2000  # iterations; may be raised on a finished run
  c.adversarial.batch = 128  # sequences
  c.adversarial.g_steps = 1  # generator updates an iteration
  c.adversarial.d_steps = 5  # discriminator updates an iteration
  c.adversarial.g_lr = 1e-4  # Adam
  c.adversarial.d_lr = 1e-4  # Adam
  c.adversarial.clip = 5.0  # global norm, of either player

  c.game = ConfigDict()
  c.game.loss = 'rsgan'  # a key of moegan_jax.losses.adversarial.LOSSES
  c.game.form = 'nonsat'  # rsgan, standard: nonsat (code), minimax (Eq 9)
  c.game.reduce = 'elementwise'  # elementwise, mean (over S first)
  c.game.penalty = -1.0  # weight of the gradient penalty; -1: the loss's own
  c.game.schedule = 'exp'  # a key of moegan_jax.ops.schedules.SCHEDULES
  c.game.beta = 100.0  # 1 / tau, where the schedule ends
  c.game.horizon = 5000  # updates until then, as in RelGAN's code
  c.game.relaxation = 'gumbel_softmax'  # gumbel_softmax, straight_through
  c.game.feedback = 'hard'  # what the generator reads: hard, soft
  c.game.route = 'scan'  # generator's gradient: scan, replay
  c.game.unroll = 1  # timesteps per iteration of the compiled scan

  c.fsa = ConfigDict()
  c.fsa.weight = 1.0  # of feature alignment in G's loss; 0: without
  c.fsa.reduce = 'joint'  # over representations: joint, per_rep
  c.fsa.dropout = 'train'  # of D when it serves as encoder: train, off

  c.ccl = ConfigDict()
  c.ccl.weight = 0.0  # of the counter-contrastive update; 0: without
  c.ccl.temperature = 0.5  # of the cosines; the paper tried .2, .5, 1
  c.ccl.reps = 'flatten'  # representations: flatten, per_rep
  c.ccl.updates = 'generator'  # generator, both
  c.ccl.resample = True  # new samples for the second update of G

  c.eval = ConfigDict()
  c.eval.pretrain_every = 10  # epochs; 0: at the end only
  c.eval.adversarial_every = 100  # iterations; 0: at the end only
  c.eval.samples = 1000  # while training
  c.eval.final_samples = 10_000  # at the end of a phase
  c.eval.chunk = 256  # sequences at a time
  c.eval.best = 'auto'  # measure that picks the best checkpoint
  c.eval.selection = 'validation'  # text it is measured on: validation, test
  c.eval.temperatures = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5)  # curves
  c.eval.curve_samples = 1000  # at each of them; 0: no curves
  c.eval.language_model = False  # scores by an LSTM of its own a row

  c.checkpoint = ConfigDict()
  c.checkpoint.keep = 3  # newest ones
  c.checkpoint.every = 60.0  # seconds between two
  c.chunk_seconds = 5.0  # training between two looks at the metrics
  return c


def coco(c: ConfigDict) -> ConfigDict:
  """MS COCO captions, 10,000 training lines: the scale of `base`."""
  return c


def coco_iid(c: ConfigDict) -> ConfigDict:
  """Both files of COCO, shuffled: training and test text are alike."""
  c.data.name = 'coco_iid'
  return c


def emnlp(c: ConfigDict) -> ConfigDict:
  """EMNLP2017 WMT News, 278,586 training lines."""
  c.data.name = 'emnlp'
  return c


def captions(c: ConfigDict) -> ConfigDict:
  """The embedded captions grammar: text whose distribution is known."""
  c.data.name = 'captions'
  c.data.valid_share = 0.0  # the grammar itself judges what is best
  return c


def text(c: ConfigDict) -> ConfigDict:
  """Any UTF-8 text file, a sentence a line: --config.data.path=FILE."""
  c.data.name = 'text'
  return c


def synthetic20(c: ConfigDict) -> ConfigDict:
  """The synthetic benchmark: an LSTM oracle with 5,000 words, length 20.

  MoEGAN, Appendix A: tau = 1, 2 experts. RelGAN's code runs 3,000 iterations.
  """
  c.data.name = 'oracle'
  c.data.valid_share = 0.0  # the oracle itself judges what is best
  c.game.beta = 1.0
  c.adversarial.steps = 3000
  return c


def synthetic40(c: ConfigDict) -> ConfigDict:
  """Length 40: 3 experts (MoEGAN, Appendix A)."""
  c = synthetic20(c)
  c.data.length = 40
  c.generator.experts = 3
  return c


def oracle_small(c: ConfigDict) -> ConfigDict:
  """The laptop's research bench: 500 words, length 20, small players.

  Not a scale of any paper: an experiment takes minutes instead of hours.
  """
  c = synthetic20(c)
  c.data.vocab_size = 500
  _small_players(c)
  c.discriminator.filters = 100
  c.mle.batch = 64
  c.mle.epochs = 10
  c.mle.lr = 5e-3
  c.adversarial.batch = 64
  c.adversarial.steps = 300
  c.eval.pretrain_every = 5
  c.eval.adversarial_every = 50
  return c


def moegan(c: ConfigDict) -> ConfigDict:
  """MoEGAN as in its paper: what `base` says."""
  return c


def mle(c: ConfigDict) -> ConfigDict:
  """The literature's baseline: LSTM 32, Adam 1e-2, batch 64.

  120 epochs on synthetic data as in SeqGAN, 80 on text as in Texygen.
  """
  c.system = 'mle'
  c.generator.cell = 'lstm'
  c.generator.experts = 1
  c.generator.init = 'seqgan'
  c.mle.batch = 64
  c.mle.epochs = 120 if c.data.name == 'oracle' else 80
  return c


def ccl(c: ConfigDict) -> ConfigDict:
  """CCL, Findings of EMNLP 2021: one expert, no alignment, Eq 3."""
  c.system = 'ccl'
  c.generator.experts = 1
  c.fsa.weight = 0.0
  c.ccl.weight = 1.0
  return c


def moegan_ccl(c: ConfigDict) -> ConfigDict:
  """MoEGAN with the counter-contrastive update in addition."""
  c.ccl.weight = 1.0
  return c


def experiment(system, corpus, variant: str) -> ConfigDict:
  """A system on a corpus, at the scale that the variants ask for.

  Args:
    system: one of mle, moegan, ccl, moegan_ccl of this file
    corpus: one of coco, emnlp, captions, text, synthetic20, ... of this file
    variant: such as '', 'cpu' or 's64,smoke'
  """
  return finish(system(corpus(base())), variant)


def scale_steps(c: ConfigDict, steps: int) -> None:
  """Fewer iterations, with the horizon scaled so that beta ends the same."""
  c.game.horizon = max(
    2, math.ceil(c.game.horizon * steps / c.adversarial.steps)
  )
  c.adversarial.steps = steps


def _small_players(c: ConfigDict) -> None:
  if c.generator.cell == 'rmc':
    c.generator.head_size = 64


def _s64(c: ConfigDict) -> None:
  """64 representations in D, as in the published code of RelGAN."""
  c.discriminator.representations = 64


def _cpu(c: ConfigDict) -> None:
  """About ten minutes on two cores."""
  _small_players(c)
  c.data.limit = 10_000
  c.mle.batch = 64
  c.mle.epochs = 20 if c.system == 'mle' else 8
  c.mle.lr = 5e-3
  c.adversarial.batch = 64
  scale_steps(c, 120)
  c.eval.pretrain_every = 4
  c.eval.adversarial_every = 40


def _smoke(c: ConfigDict) -> None:
  """Under 90 s on two cores, compilation included: does it run at all?"""
  _cpu(c)
  if c.generator.cell == 'rmc':
    c.generator.head_size = 16
  c.discriminator.filters = 32
  c.data.limit = 2000
  c.data.train_size = 2000
  c.data.test_size = 1000
  c.mle.epochs = 2
  c.mle.batch = 32
  c.adversarial.batch = 16
  scale_steps(c, 10)
  c.eval.pretrain_every = 0
  c.eval.adversarial_every = 0
  c.eval.samples = 200
  c.eval.final_samples = 500
  c.eval.curve_samples = 200
  c.eval.temperatures = (0.6, 0.8, 1.0)


VARIANTS = {'s64': _s64, 'cpu': _cpu, 'smoke': _smoke}


def finish(c: ConfigDict, variant: str) -> ConfigDict:
  """Applies variants, such as 'cpu' or 's64,cpu'.

  Raises:
    UserError: an unknown variant.
  """
  for name in filter(None, (variant or '').split(',')):
    if name not in VARIANTS:
      raise UserError(
        f'config variant {name!r} is unknown; one of {", ".join(VARIANTS)}'
      )
    VARIANTS[name](c)
  return c
