"""Selects the measure that picks the best checkpoint."""

from moegan_jax.data.corpus import Corpus
from moegan_jax.errors import UserError, unknown
from moegan_jax.metrics import MEASURES, METRICS
from moegan_jax.metrics.bleu import BLEU

MEASURED_AT_THE_END = {k for m in MEASURES.values() for k in m.columns}
SELECTIONS = ('validation', 'test')


def measure_of(name: str, selection: str, corpus: Corpus) -> str:
  """The measure that picks the best checkpoint; 'auto' asks the corpus.

  An oracle judges by fresh samples of its own, text by the validation part,
  and without one by the training text. The test text is looked at only with
  selection='test', the practice of most papers: BLEU-4 then.

  Raises:
    UserError: no measure, one without a best value, one of the test text
      without selection='test', or one that this corpus does not have.
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
      f'eval.best={name!r} is no measure that has a best value; one of '
      + ', '.join(k for k, m in METRICS.items() if m.better != 'real')
    )
  if name in BLEU.columns and not test:
    name = f'{name}_valid'
  if looks_at_test(name) and not test:
    raise UserError(
      f'eval.best={name} looks at the test text; take nll_valid, or say '
      'eval.selection=test (the table will say so, too)'
    )
  if name.startswith(('nll_train', 'nll_valid', 'nll_test')):
    there = len(getattr(corpus, name.split('_')[1])) > 0
  elif name.startswith('bleu'):
    part = corpus.valid_words if name.endswith('_valid') else corpus.test_words
    there = corpus.pad is not None and len(part) > 0
  else:
    there = corpus.oracle is not None and name not in MEASURED_AT_THE_END
  if not there:
    raise UserError(
      f'eval.best={name} is not measured on this corpus; leave it at auto'
    )
  return name


def looks_at_test(name: str) -> bool:
  """Whether a measure needs the test text of the corpus."""
  return name in BLEU.columns or (
    name.startswith('nll_test') or name == 'nll_sum'
  )
