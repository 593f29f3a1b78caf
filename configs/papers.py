"""What each paper differs in from the settings of `common.base`.

A function a system, applied after that of the corpus. Where a paper is silent
the comment says whose value stands.
"""

from ml_collections import ConfigDict


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


def relgan(c: ConfigDict) -> ConfigDict:
  """RelGAN, ICLR 2019: one memory core, 64 representations, batch 64.

  beta_max 100 on text, 1 (length 20) and 2 (length 40) on synthetic data.
  """
  c.system = 'relgan'
  c.generator.experts = 1
  c.generator.flavour = 'relgan'
  c.discriminator.representations = 64
  c.fsa.weight = 0.0
  c.mle.batch = 64
  c.adversarial.batch = 64
  if c.data.name == 'oracle':
    c.game.beta = 2.0 if c.data.length > 20 else 1.0
  return c


def gsgan(c: ConfigDict) -> ConfigDict:
  """GSGAN, 2016: LSTM against LSTM, tau annealed from 1 to .1.

  The paper has a toy grammar only; sizes are RelGAN's ablation's, rates too.
  """
  c.system = 'gsgan'
  c.generator.cell = 'lstm'
  c.generator.experts = 1
  c.generator.init = 'seqgan'
  c.discriminator.kind = 'recurrent'
  c.fsa.weight = 0.0
  c.mle.batch = 64
  c.mle.epochs = 80
  c.adversarial.batch = 64
  c.adversarial.d_steps = 1
  c.game.loss = 'standard'
  c.game.beta = 10.0
  c.game.horizon = c.adversarial.steps
  c.game.feedback = 'soft'
  return c


def slgan(c: ConfigDict) -> ConfigDict:
  """SLGAN: GRU, parameters from N(0, 1), no pre-training.

  200 epochs of 10,000 lines; on another corpus the run is as long, and the
  pull has grown when it ends. Sizes, rates, batch and noise are not in the
  paper: Texygen's sizes. "All generators" start at N(0, 1); here that is G, and
  G_d, which the paper calls a generator as well, has discriminator.init.
  """
  c.system = 'slgan'
  c.generator.cell = 'gru'
  c.generator.experts = 1
  c.generator.init = 'standard'
  c.discriminator.update(embed=32, hidden=32, init='seqgan')
  c.fsa.weight = 0.0
  c.mle.epochs = 0
  c.mle.batch = 64
  c.adversarial.batch = 64
  c.adversarial.d_steps = 1
  c.adversarial.g_lr = 1e-3
  c.adversarial.d_lr = 1e-3
  c.adversarial.steps = 200 * 156  # iterations
  c.slgan.horizon = c.adversarial.steps
  return c


def textgan(c: ConfigDict) -> ConfigDict:
  """TextGAN, ICML 2017: sizes and rates of its released code, and MMD^2.

  Other than in that code: pre-training by likelihood, each row with noise of
  its own, in place of an autoencoder, and of G alone; no code word in z; no
  label smoothing; the square of the discrepancy and not its root.
  """
  c.system = 'textgan'
  c.generator.cell = 'lstm'
  c.generator.experts = 1
  c.generator.update(embed=300, hidden=500, latent=900, prior='uniform')
  c.discriminator.update(embed=300, widths=(3, 4, 5), highway='none')
  c.discriminator.update(features=0, activation='tanh', dropout=0.0)
  c.fsa.weight = 0.0
  c.mle.batch = 256
  c.mle.epochs = 80
  c.mle.lr = 1e-3
  c.adversarial.batch = 256
  c.adversarial.d_steps = 1
  c.adversarial.g_lr = 5e-5
  c.game.weight = 0.0  # G hears the discrepancy alone
  _soft_argmax(c, 1000.0)
  return c


def fmgan(c: ConfigDict) -> ConfigDict:
  """FM-GAN, NeurIPS 2018: the paper's IPOT, sizes and rates of its COCO code.

  Other than in that code: the features are those of the pooled CNN, in place of
  strided layers with tanh; G's readout is not tied to its embedding, whose rows
  are not normalised; rates do not decay. That code has IPOT with these settings
  and trains with solver='sinkhorn-divergence', epsilon=1, iterations=40.
  """
  c.system = 'fmgan'
  c.generator.cell = 'lstm'
  c.generator.experts = 1
  c.generator.update(embed=300, hidden=100, latent=128)
  c.discriminator.update(embed=300, features=128, dropout=0.0)
  c.fsa.weight = 0.0
  c.mle.batch = 320
  c.mle.epochs = 80
  c.mle.lr = 1e-3
  c.adversarial.batch = 320
  c.adversarial.g_steps = 3
  c.adversarial.d_steps = 1
  c.adversarial.g_lr = 1e-5
  c.adversarial.d_lr = 1e-5
  _soft_argmax(c, 100.0)
  return c


def jsdgan(c: ConfigDict) -> ConfigDict:
  """JSDGAN, 2019: LSTM, 500 epochs of 10,000 lines at 1e-2, no pre-training.

  Values of TextGAN-PyTorch.
  """
  c.system = 'jsdgan'
  c.generator.cell = 'lstm'
  c.generator.experts = 1
  c.generator.init = 'textgan_normal'
  c.fsa.weight = 0.0
  c.mle.epochs = 0
  c.mle.batch = 64
  c.adversarial.batch = 64
  c.adversarial.g_lr = 1e-2
  c.adversarial.steps = 500 * 156  # iterations
  return c


def _soft_argmax(c: ConfigDict, beta: float) -> None:
  """Rows softmax(L logits) that the generator also reads; no Gumbel noise."""
  c.game.loss = 'standard'
  c.game.relaxation = 'soft_argmax'
  c.game.schedule = 'constant'
  c.game.beta = beta
  c.game.feedback = 'soft'
