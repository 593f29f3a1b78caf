"""Networks that several config files share."""

from ml_collections import ConfigDict

from moegan_jax.config.compose import select

# Widths in tokens, and filters of each width.
_SEQGAN_FILTERS = {
  'widths': (*range(1, 11), 15, 20),
  'filters': (100, *[200] * 4, *[100] * 5, 160, 160),
}


def seqgan_players(c: ConfigDict, **discriminator) -> None:
  """Sets the LSTM and the CNN of SeqGAN and of its descendants in place.

  Args:
    c: the configuration
    **discriminator: further settings of the section `discriminator`
  """
  select(c, 'generator', cell='lstm', init='seqgan')
  seqgan_filters(c, **discriminator)


def seqgan_filters(c: ConfigDict, **discriminator) -> None:
  """Sets the CNN of SeqGAN in place.

  Args:
    c: the configuration
    **discriminator: further settings of the section `discriminator`
  """
  c.discriminator.update(
    **_SEQGAN_FILTERS, features=0, init='seqgan', **discriminator
  )
