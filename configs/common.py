"""All settings with their defaults, and the scales that experiments share.

An experiment file takes `base()`, sets what its paper differs in, and hands
the result to `finish`, which applies the variants after the colon of
`--config=configs/NAME.py:VARIANT`. A setting of the command line,
`--config.adversarial.steps=100`, is applied after the variant.
"""

from ml_collections import ConfigDict

from moegan_jax.errors import UserError


def base() -> ConfigDict:
  """Every setting there is; MoEGAN's paper on COCO where it gives a value."""
  c = ConfigDict()
  c.system = 'moegan'  # a key of moegan_jax.systems.SYSTEMS
  c.seed = 0  # of parameters, batches and samples
  c.num_seeds = 1  # runs side by side, each with its own parameters
  c.init_from = ''  # workdir whose generator after MLE is the start
  # of products while training: platform (TPU bfloat16, CPU float32), float32,
  # bfloat16 (factors; sums, state and losses stay float32)
  c.precision = 'platform'
  # Where a value is not finite: mark the seed, and go on with the others;
  # rollback: the last checkpoint and half the learning rates, for all seeds.
  c.on_nan = 'mark'  # mark, rollback
  c.max_rollbacks = 3  # in a run; after that, mark

  c.data = ConfigDict()
  # coco, coco_iid, emnlp, captions, oracle, text, matrix
  c.data.name = 'coco'
  c.data.dir = ''  # folder with the benchmark's files; else MOEGAN_DATA_DIR
  c.data.offline_fallback = 'captions'  # where coco or emnlp cannot be had
  c.data.valid_share = 0.05  # last lines of the training part; 0: legacy
  c.data.stream = False  # leave tokens on the host; large ones always
  c.data.limit = 0  # use the first sequences of the training part; 0: all
  c.data.path = ''  # text: the file; .gz as well. matrix: .npy, int32 [N, T]
  c.data.test_path = ''  # text, matrix: held-out file; else a part of `path`
  c.data.test_share = 0.1  # text, matrix: that part
  c.data.column = ''  # text: of csv, tsv, jsonl; empty: the only one, or text
  c.data.label_column = ''  # text: class of each line; empty: none
  # text: whether csv and tsv begin with names of columns: true, false (columns
  # are then 1, 2, ...), auto (true, with a warning if line 1 looks like data)
  c.data.header = 'auto'
  c.data.encoding = 'utf-8'  # text: such as utf-16, latin-1, gb18030
  # word, word_cased, char, whitespace, bpe, smiles, fasta, ids
  c.data.codec = 'auto'  # text: one of these; auto: by the file's ending
  c.data.max_length = 0  # text: longest sentence in tokens; 0: no limit
  c.data.min_count = 1  # text: how often a word must occur
  c.data.max_vocab = 0  # text: words at most; 0: all, bpe 4,000
  c.data.vocab_size = 5000  # oracle: words
  c.data.length = 20  # oracle: T
  c.data.oracle_dim = 32  # oracle: embedding and hidden size of its LSTM
  c.data.oracle_seed = 0  # oracle: of its parameters
  c.data.oracle_file = ''  # oracle: .npz with parameters
  c.data.train_size = 10_000  # oracle, captions: sequences
  c.data.test_size = 10_000  # oracle, captions: sequences
  c.data.sample_seed = 1  # oracle, captions: of the drawn sequences

  c.generator = ConfigDict()
  c.generator.cell = 'rmc'  # rmc, lstm, gru
  c.generator.embed = 32  # E
  # relgan, textgan, textgan_normal, uniform, seqgan, standard
  c.generator.init = 'relgan'
  c.generator.hidden = 32  # lstm, gru: H
  c.generator.latent = 0  # lstm, gru: size of a latent start z; 0: none
  c.generator.prior = 'normal'  # of z: normal, uniform
  # Input embedding of the end symbol: zero (constant), learned (RelGAN's code)
  c.generator.end_input = 'zero'
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
  c.discriminator.kind = 'cnn'  # cnn, recurrent
  c.discriminator.embed = 64  # E
  c.discriminator.widths = (2, 3, 4, 5)  # cnn: of the filters, in tokens
  c.discriminator.filters = 300  # cnn: of each width
  c.discriminator.representations = 1  # cnn: S, 1 (MoEGAN) or 64 (RelGAN)
  c.discriminator.features = 100  # cnn: F; 0: the pooled filters themselves
  c.discriminator.activation = 'relu'  # cnn, of the filters: relu, tanh
  c.discriminator.highway = 'separate'  # cnn: separate, tied, none
  c.discriminator.cell = 'lstm'  # recurrent: lstm, gru
  c.discriminator.hidden = 64  # recurrent, and slgan: H
  c.discriminator.per_token = False  # recurrent: a judgement at each prefix
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
  c.adversarial.anchor = 0.0  # weight of the likelihood in G's loss
  c.adversarial.mle_every = 0  # one likelihood update in so many; 0: none

  c.game = ConfigDict()
  c.game.loss = 'rsgan'  # a key of moegan_jax.losses.adversarial.LOSSES
  c.game.form = 'nonsat'  # rsgan, standard: nonsat (code), minimax (Eq 9)
  c.game.weight = 1.0  # of the loss for G; 0: its other terms alone
  c.game.reduce = 'elementwise'  # elementwise, mean (over S first)
  c.game.penalty = -1.0  # weight of the gradient penalty; -1: the loss's own
  c.game.schedule = 'exp'  # a key of moegan_jax.ops.schedules.SCHEDULES
  c.game.beta = 100.0  # 1 / tau, where the schedule ends
  c.game.horizon = 5000  # updates until then, as in RelGAN's code
  c.game.relaxation = 'gumbel_softmax'  # or straight_through, soft_argmax
  c.game.feedback = 'hard'  # what the generator reads: hard, soft
  c.game.route = 'scan'  # generator's gradient: scan, replay
  c.game.top_k = 0  # training samples from the k likeliest words; 0: all
  c.game.top_p = 1.0  # training samples from this share of probability
  # What D reads after the first end symbol of a sample: free (what G writes),
  # absorbing (end symbols, without a gradient to G)
  c.game.end = 'free'
  c.game.unroll = 1  # timesteps per iteration of the compiled scan

  c.fsa = ConfigDict()
  c.fsa.weight = 1.0  # of feature alignment in G's loss; 0: without
  c.fsa.distance = 'centroid'  # centroid, wasserstein
  c.fsa.reduce = 'joint'  # over representations: joint, per_rep
  c.fsa.dropout = 'train'  # of D when it serves as encoder: train, off

  c.ccl = ConfigDict()
  c.ccl.weight = 0.0  # of the counter-contrastive update; 0: without
  c.ccl.temperature = 0.5  # of the cosines; the paper tried .2, .5, 1
  c.ccl.reps = 'flatten'  # representations: flatten, per_rep
  c.ccl.updates = 'generator'  # generator, both
  c.ccl.resample = True  # new samples for the second update of G

  c.mmd = ConfigDict()  # textgan
  c.mmd.weight = 1e-3  # of the discrepancy in D's loss
  c.mmd.reconstruction = 1e-3  # of the error in z, in D's loss
  c.mmd.bandwidths = (20.0,)  # sigma of each Gaussian kernel
  c.mmd.squared = True  # the paper's MMD^2; False: its root, as in the code

  c.transport = ConfigDict()  # fmgan
  c.transport.solver = 'ipot'  # ipot, sinkhorn, sinkhorn-divergence
  c.transport.epsilon = 10.0  # of the proximal step or the entropy
  c.transport.iterations = 50
  c.transport.through_plan = False  # differentiate through the solver

  c.jsd = ConfigDict()  # jsdgan
  c.jsd.normalise = 'minmax'  # minmax (port), softmax, none (exact densities)

  c.slgan = ConfigDict()
  c.slgan.weight = 1.0  # of G's move towards D, where it has grown to
  c.slgan.horizon = 31_200  # iterations until then, 200 epochs of 10,000 lines
  c.slgan.floor = 1.0  # of D's reconstruction: max(floor, 1 - decay epoch)
  c.slgan.decay = 0.1
  c.slgan.margin = 10.0  # nats at which D's contrast is clipped; 0: never
  c.slgan.noise = 0.1  # share of words that D does not see
  c.slgan.direction = 'forward'  # KL(D, G): forward; KL(G, D): reverse

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
  c.eval.draws = 16  # of latent noise, behind a likelihood
  c.eval.language_model = False  # scores by an LSTM of its own a row

  c.mesh = ConfigDict()  # devices; a run may be resumed on others
  c.mesh.seed = 0  # along the seeds; 0: as many as divide them
  c.mesh.data = 0  # along the batch; 0: those that are left

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
  """A file of your own, see README: --config.data.path=FILE."""
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
  """The laptop's research bench: 500 words, length 20, see `_bench`."""
  c = synthetic20(c)
  c.data.vocab_size = 500
  return c


def experiment(system, corpus, variant: str) -> ConfigDict:
  """A system on a corpus, at the scale that the variants ask for.

  Args:
    system: a function of configs/papers.py
    corpus: one of coco, emnlp, captions, text, synthetic20, ... of this file
    variant: such as '', 'cpu' or 's64,smoke'
  """
  c = system(corpus(base()))
  if corpus is oracle_small:
    _bench(c)
  return finish(c, variant)


def _names(variant: str) -> list[str]:
  """The names of 's64,cpu'; none of '' and of None."""
  return list(filter(None, (variant or '').split(',')))


# What a sweep may run on, by a variant of its grid; COCO without one.
CORPORA = {
  'small': oracle_small,
  'captions': captions,
  'emnlp': emnlp,
  'synthetic20': synthetic20,
  'synthetic40': synthetic40,
}


def bench(system, variant: str) -> ConfigDict:
  """What a sweep begins with.

  Args:
    variant: one of CORPORA, or none for COCO, and variants of `finish`

  Raises:
    UserError: two corpora, or an unknown variant.
  """
  names = _names(variant)
  found = [name for name in names if name in CORPORA]
  if len(found) > 1:
    raise UserError(f'{" and ".join(found)} are two corpora: name one')
  corpus = CORPORA[found[0]] if found else coco
  rest = ','.join(name for name in names if name not in CORPORA)
  return experiment(system, corpus, rest)


def lstm_width(variant: str) -> dict:
  """The LSTM as wide as the memory core of `bench`, as a change of it."""
  gen = bench(lambda c: c, variant).generator
  return {'generator.hidden': gen.heads * gen.head_size}


def scale_steps(c: ConfigDict, steps: int) -> None:
  """Fewer iterations.

  A schedule that spans the run still does. RelGAN's beta, whose horizon is
  5,000 updates whatever the length of the run, is left alone: the game is then
  the beginning of the paper's, and not a compressed one.
  """
  for section in (c.game, c.slgan):
    if section.horizon == c.adversarial.steps:
      section.horizon = max(2, steps)
  c.adversarial.steps = steps


def _small_players(c: ConfigDict) -> None:
  """Players for two cores; those that are small already stay as they are."""
  gen, disc = c.generator, c.discriminator
  gen.head_size = min(gen.head_size, 64)
  gen.embed, gen.hidden = min(gen.embed, 32), min(gen.hidden, 100)
  gen.latent = min(gen.latent, 32)
  disc.embed = min(disc.embed, 64)
  # Each of 64 costs as much on a CPU as it does at the paper's scale.
  disc.representations = min(disc.representations, 8)


def _few_steps(c: ConfigDict, epochs: int, steps: int, own: int) -> None:
  """Less training, at the rate that suits it.

  Args:
    epochs: of maximum likelihood before a game
    steps: iterations of a game
    own: epochs of what learns from text all along, without pre-training
  """
  c.mle.batch, c.mle.lr = 64, 5e-3
  c.adversarial.batch = 64
  # A few hundred iterations at 1e-5 would be no training at all.
  c.adversarial.g_lr = max(c.adversarial.g_lr, 1e-4)
  c.adversarial.d_lr = max(c.adversarial.d_lr, 1e-4)
  if c.system == 'mle':
    c.mle.epochs = own
  elif c.mle.epochs:
    c.mle.epochs = epochs
    scale_steps(c, steps)
  else:
    c.adversarial.g_lr = 5e-3
    scale_steps(c, 156 * own)


def _bench(c: ConfigDict) -> None:
  """The scale of the small oracle, not of any paper: minutes for a run."""
  _small_players(c)
  c.generator.head_size = 32
  c.discriminator.filters = min(c.discriminator.filters, 100)
  _few_steps(c, epochs=10, steps=150, own=40)
  c.eval.pretrain_every = 5
  c.eval.adversarial_every = 50 if c.mle.epochs else 780


def _s64(c: ConfigDict) -> None:
  """64 representations in D, as in the published code of RelGAN."""
  c.discriminator.representations = 64


def _cpu(c: ConfigDict) -> None:
  """About ten minutes on two cores."""
  _small_players(c)
  c.data.limit = 10_000
  _few_steps(c, epochs=8, steps=120, own=20)
  c.eval.pretrain_every = 4
  c.eval.adversarial_every = 40 if c.mle.epochs else 624


def _smoke(c: ConfigDict) -> None:
  """About a minute on two free cores: does it run at all?

  Most of it is compiling, which each width of D's filters lengthens.
  """
  _cpu(c)
  if c.generator.cell == 'rmc':
    c.generator.head_size = 16
  c.discriminator.filters = min(c.discriminator.filters, 32)
  c.discriminator.widths = c.discriminator.widths[:2]
  c.data.limit = 2000
  c.data.train_size = 2000
  c.data.test_size = 1000
  c.mle.epochs = min(c.mle.epochs, 1)
  c.mle.batch = 32
  c.adversarial.batch = 16
  scale_steps(c, 10)
  c.eval.pretrain_every = 0
  c.eval.adversarial_every = 0
  c.eval.samples = 200
  c.eval.final_samples = 500
  c.eval.curve_samples = 200
  c.eval.temperatures = (0.6, 0.8, 1.0)


# In this order, whatever that of the command line: a size that was asked for by
# name comes last.
VARIANTS = {'cpu': _cpu, 'smoke': _smoke, 's64': _s64}


def finish(c: ConfigDict, variant: str) -> ConfigDict:
  """Applies variants, such as 'cpu' or 's64,cpu'.

  Raises:
    UserError: an unknown variant.
  """
  names = _names(variant)
  for name in names:
    if name not in VARIANTS:
      raise UserError(
        f'config variant {name!r} is unknown; one of {", ".join(VARIANTS)}'
      )
  for name, apply in VARIANTS.items():
    if name in names:
      apply(c)
  return c
