"""Byte pair encoding (Sennrich et al., 2016) with the `tokenizers` library.

The codec works on bytes, as GPT-2's does, so it encodes any text and decodes
it unchanged. One text has many token sequences. `split` returns the canonical
one, which follows the merges. A generator may write another one, so measures of
its text use `split` of the text (see `Corpus.words`).
"""

from collections.abc import Collection, Sequence

from moegan_jax.data.codec import Codec
from moegan_jax.errors import UserError

NAME = 'bpe'
SIZE = 4000  # default number of tokens
_BYTES = 256


def fit(lines: Sequence[str], size: int = 0) -> Codec:
  """Fits a codec that merges the most frequent pairs of the lines.

  Args:
    lines: training text.
    size: maximum number of tokens; 0 means SIZE. The codec has fewer tokens
      if no further pair occurs twice.

  Returns:
    The codec. Equal lines give equal codecs.

  Raises:
    UserError: `size` is not larger than the number of bytes, or `tokenizers`
      is not installed.
  """
  tokenizers = _library()
  size = size or SIZE
  if size <= _BYTES:
    raise UserError(
      f'data.max_vocab={size} is too small for the codec {NAME}, which has'
      f' {_BYTES} byte tokens: choose a larger value, or the codec char'
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
  """Builds the codec of a fitted model.

  Args:
    model: JSON, the field `Codec.model` of a fitted codec.

  Raises:
    UserError: the model is damaged, or `tokenizers` is not installed.
  """
  tokenizers = _library()
  try:
    tokenizer = tokenizers.Tokenizer.from_str(model)
  except Exception as error:  # the library raises nothing narrower
    raise UserError(f'the model of the codec {NAME} is damaged: {error}') from (
      error
    )
  decoder = tokenizers.decoders.ByteLevel()
  return Codec(
    NAME,
    lambda line: tokenizer.encode(line).tokens,
    lambda tokens: decoder.decode(list(tokens)),
    model,
  )


def fewest(symbols: str, known: Collection[str]) -> list[str]:
  """Splits a text into as few known tokens as possible.

  The canonical tokens of a text that a generator wrote may be absent from its
  vocabulary, which has the canonical tokens of the training text only.

  Args:
    symbols: the text as joined tokens, one character for each byte.
    known: the vocabulary.

  Returns:
    The tokens; [] if no sequence of known tokens is this text.
  """
  longest = max(map(len, known), default=0)
  # The first element of an entry is the number of tokens up to a position, the
  # second one is where its last token starts.
  best: list[tuple[int, int] | None] = [(0, 0)]
  for end in range(1, len(symbols) + 1):
    starts = range(max(0, end - longest), end)
    found = [
      (before[0] + 1, start)
      for start in starts
      if (before := best[start]) and symbols[start:end] in known
    ]
    best.append(min(found, default=None))
  tokens: list[str] = []
  end = len(symbols)
  while end and (entry := best[end]):
    tokens.append(symbols[entry[1] : end])
    end = entry[1]
  return tokens[::-1]


def byte_of() -> dict[str, int]:
  """Returns the byte that each character of a token represents.

  GPT-2's mapping: a printable Latin-1 character represents its own byte; the
  other bytes map to the characters from U+0100 on.
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
      f'the codec {NAME} needs the package tokenizers: pip install tokenizers'
    ) from None
  return tokenizers
