"""CoT: a mediator learns the mixture of real and generated text.

Source: Lu et al., "CoT: Cooperative Training for Generative Modeling of
Discrete Data" (ICML 2019).

P is real text and G an LSTM. The mediator M is a larger LSTM that fits the
balanced mixture of both by maximum likelihood, with dropout of its hidden
outputs. y is a sample of G, s_t its first t - 1 tokens, and

    L_M = -1/2 (E_real log M(x) + E_G log M(y))
    L_G = sum_t sum_v G(v | s_t) (log G(v | s_t) - log M(v | s_t))

Both are means over B texts and T positions here, as in the published code. M
and the prefixes s_t are constants in L_G. There is no pre-training:

    repeat:
      d times:  real text x, samples y ~ G; M <- Adam step on L_M
      g times:  samples y ~ G; G <- Adam step on L_G

`adversarial.d_steps` and `adversarial.d_lr` belong to M.

The mixture M* = (P + G) / 2 minimises L_M. With it, L_G T has the expectation
KL(G || M*), and JSD(P, G) = KL(P || M*) / 2 + KL(G || M*) / 2. For constant M*
the gradient of KL(G || M*) is twice that of the divergence JSD(P, G). L_G gives
a part of it: the gradient through the probability of the prefixes is left out,
as in the paper.

The divergence itself requires the probabilities of real text. On a corpus with
an oracle, the measure `step_js` is the Jensen-Shannon divergence of the
next-token distributions. The metric `balanced_nll` is L_M with dropout.

After the end of a text, positions of a sample contribute 0 to L_G. M reads and
predicts padding there, in samples as in real text.
"""

import jax
import jax.numpy as jnp

from moegan_jax import decode
from moegan_jax.errors import UserError
from moegan_jax.losses.divergence import mediated_divergence
from moegan_jax.losses.likelihood import negative_log_likelihood
from moegan_jax.ops import random
from moegan_jax.ops.ends import end_mask
from moegan_jax.systems import assembly, networks
from moegan_jax.types import Array, Generator, Spec, System, TrainState
from moegan_jax.updates import Loss, gradient_update, repeat, sequence


def build(config, spec: Spec) -> System:
  """Builds CoT from a configuration.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: latent noise, or a value out of range.
  """
  train, mediator, dropout = players(config, spec)
  mediator_updates = repeat(
    gradient_update(
      'mediator', train.d_adam, mediator_loss(train, mediator, dropout)
    ),
    train.settings.d_steps,
  )
  generator_updates = train.generator_updates(generator_loss(train, mediator))
  return train.system(
    sequence(mediator_updates, generator_updates),
    players={'mediator': (mediator.init, train.d_adam)},
    parts={'mediator': mediator_updates, 'generator': generator_updates},
  )


def players(config, spec: Spec) -> tuple[assembly.Training, Generator, float]:
  """Builds G and M, and returns them with the dropout rate of M.

  Args:
    config: all settings of a run
    spec: the properties of the corpus

  Raises:
    UserError: latent noise, or a value out of range.
  """
  settings = config.mediator.to_dict()
  dropout = settings.pop('dropout')
  if not 0 <= dropout < 1:
    raise UserError(f'mediator.dropout={dropout} must be in [0, 1)')
  gen = networks.explicit_generator(config, spec)
  mediator = networks.language_model(spec, 'mediator', **settings)
  return assembly.training(config, spec, gen), mediator, dropout


def samples(
  train: assembly.Training, state: TrainState, key: Array, n: int
) -> Array:
  """Draws n samples of G, int32 [n, T], with pad after their ends."""
  return decode.draw_text(
    train.gen,
    state.players['generator'].params,
    key,
    n,
    length=train.spec.length,
    pad=train.spec.pad,
    unroll=train.unroll,
  )


def mediator_loss(
  train: assembly.Training, mediator: Generator, dropout: float
) -> Loss:
  """Returns L_M on real text and as many new samples.

  Args:
    train: G
    mediator: M
    dropout: share of the hidden outputs of M that is dropped
  """

  def loss(phi, state, batch, key):
    k_sample, k_dropout = jax.random.split(key)
    fake = samples(train, state, k_sample, batch.tokens.shape[0])
    both = jnp.concatenate([batch.tokens, fake])
    hidden = decode.replay(mediator, phi, both, unroll=train.unroll)
    hidden = random.dropout(hidden, k_dropout, dropout)
    value = negative_log_likelihood(mediator.readout(phi, hidden), both)
    return value, {'balanced_nll': value}

  return loss


def generator_loss(train: assembly.Training, mediator: Generator) -> Loss:
  """Returns L_G on new samples.

  Args:
    train: G
    mediator: M
  """

  def loss(params, state, batch, key):
    # `adversarial.anchor` folds a number into the key, and so does each row.
    k_sample, _ = jax.random.split(key)
    text = samples(train, state, k_sample, batch.tokens.shape[0])
    unroll = train.unroll
    logits = decode.teacher_force(train.gen, params, text, unroll=unroll)
    mediating = decode.teacher_force(
      mediator, state.players['mediator'].params, text, unroll=unroll
    )
    counted = end_mask(text, train.spec.pad)
    value = mediated_divergence(logits, mediating, counted)
    return value, {'g_loss': value}

  return loss
