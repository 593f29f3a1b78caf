"""Selection: the measure that picks the best checkpoint."""

from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError, unknown
from moegan_jax.metrics import MEASURES, METRICS
from moegan_jax.metrics.bleu import BLEU

# Keys that only full evaluations have.
MEASURED_AT_THE_END = {k for m in MEASURES.values() for k in m.columns}
SELECTIONS = ('validation', 'test')


def measure_of(name: str, selection: str, corpus: Corpus) -> str:
  """Returns the measure that picks the best checkpoint.

  The test text is used with selection='test' only, which is the practice of
  most papers.

  Args:
    name: the setting `eval.best`: a measure, or 'auto' for the default of the
      corpus: 'jeffreys' with an oracle; for text 'bleu4' with
      selection='test', otherwise 'nll_valid', or 'nll_train' without
      validation text.
    selection: the setting `eval.selection`: 'validation' or 'test'.
    corpus: the corpus.

  Returns:
    A key of `METRICS`, or of a measure on the validation text.

  Raises:
    UserError: the measure does not exist, has no best value, needs the test
      text without selection='test', or is not measured on this corpus.
  """
  if selection not in SELECTIONS:
    raise unknown('eval.selection', selection, SELECTIONS)
  test = selection == 'test'
  if name == 'auto':
    if corpus.oracle is not None:
      return 'jeffreys'
    if test:
      return 'bleu4'
    return 'nll_valid' if len(corpus.valid) else 'nll_train'
  if name not in METRICS or METRICS[name].better == 'real':
    raise UserError(
      f'eval.best={name!r} is not a measure with a best value; choose one of '
      + ', '.join(k for k, m in METRICS.items() if m.better != 'real')
    )
  if name in BLEU.columns and not test:
    name = f'{name}_valid'
  if looks_at_test(name) and not test:
    raise UserError(
      f'eval.best={name} looks at the test text; choose nll_valid, or set '
      'eval.selection=test (the table will mark the row)'
    )
  if name.startswith(('nll_train', 'nll_valid', 'nll_test')):
    measured = len(getattr(corpus, name.split('_')[1])) > 0
  elif name.startswith('bleu'):
    part = corpus.valid_words if name.endswith('_valid') else corpus.test_words
    measured = corpus.pad is not None and len(part) > 0
  else:
    measured = corpus.oracle is not None and name not in MEASURED_AT_THE_END
  if not measured:
    raise UserError(
      f'eval.best={name} is not measured on this corpus; use auto'
    )
  return name


def looks_at_test(name: str) -> bool:
  """Returns whether a measure needs the test text of the corpus."""
  return name in BLEU.columns or (
    name.startswith('nll_test') or name == 'nll_sum'
  )
