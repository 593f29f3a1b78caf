"""Byte pair encoding (Sennrich et al., 2016) by the `tokenizers` library.

Over bytes, as in GPT-2: every text can be written, and comes back unchanged.
"""

from collections.abc import Sequence

from moegan_jax.data.codecs import BPE, Codec
from moegan_jax.errors import UserError

SIZE = 4000  # tokens by default
_BYTES = 256


def fit(lines: Sequence[str], size: int = 0) -> Codec:
  """The codec whose merges are the commonest pairs of the lines.

  The same lines give the same codec.

  Args:
    lines: training text.
    size: tokens at most; 0 is SIZE. Fewer where no pair occurs twice.

  Raises:
    UserError: a size below that of the bytes, or no `tokenizers` installed.
  """
  tokenizers = _library()
  size = size or SIZE
  if size <= _BYTES:
    raise UserError(
      f'data.max_vocab={size} is too small for the codec {BPE}, which begins'
      f' with {_BYTES} bytes: give more, or choose the codec char'
    )
  tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
  tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(
    add_prefix_space=False
  )
  alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
  trainer = tokenizers.trainers.BpeTrainer(
    vocab_size=size,
    min_frequency=2,
    show_progress=False,
    initial_alphabet=alphabet,
  )
  tokenizer.train_from_iterator(lines, trainer)
  return load(tokenizer.to_str())


def load(model: str) -> Codec:
  """The codec of a model that `fit` gave.

  Raises:
    UserError: it is none, or no `tokenizers` installed.
  """
  tokenizers = _library()
  try:
    tokenizer = tokenizers.Tokenizer.from_str(model)
  except Exception as error:  # the library raises nothing narrower
    raise UserError(f'the model of the codec {BPE} is damaged: {error}') from (
      error
    )
  decoder = tokenizers.decoders.ByteLevel()
  return Codec(
    BPE,
    lambda line: tokenizer.encode(line).tokens,
    lambda tokens: decoder.decode(list(tokens)),
    model,
  )


def byte_of() -> dict[str, int]:
  """The byte that each character of a token stands for, as GPT-2 has it.

  Printable ones of Latin-1 are themselves, the others follow from U+0100 on.
  """
  same = [*range(33, 127), *range(161, 173), *range(174, 256)]
  others = [byte for byte in range(_BYTES) if byte not in same]
  return {chr(byte): byte for byte in same} | {
    chr(_BYTES + i): byte for i, byte in enumerate(others)
  }


def _library():
  try:
    import tokenizers
  except ImportError:
    raise UserError(
      f'the codec {BPE} needs a library: pip install tokenizers'
    ) from None
  return tokenizers
