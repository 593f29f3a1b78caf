"""The type of a codec, shared by all codecs."""

from collections.abc import Callable, Sequence
from typing import NamedTuple


class Codec(NamedTuple):
  """Converts between lines of text and tokens.

  Attributes:
    name: key in `codecs.CODECS`, or 'bpe'
    split: line -> tokens; raises UserError for a line that it cannot read
    join: tokens -> line. Inverts `split` except for the word codecs
      (whitespace: up to the width of blanks; ids: up to leading zeros; fasta:
      up to case; bpe: up to the choice among sequences of one text). Use
      `codecs.split_written` to read the tokens of a written line.
    model: fitted parameters as JSON; '' for a codec without any
  """

  name: str
  split: Callable[[str], list[str]]
  join: Callable[[Sequence[str]], str]
  model: str = ''
