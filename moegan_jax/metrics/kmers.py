"""Divergence of the k-mer distributions of generated and real sequences.

`ngrams` has the k-mers of 1 to 4 residues.
"""

from moegan_jax.metrics.measure import Measure, Metric, Texts
from moegan_jax.metrics.ngrams import js_of, occurrences

K = 6  # two codons


def _kmer_js(texts: Texts) -> dict[str, float]:
  table = occurrences([*texts.samples, *texts.references], K)[-1]
  ours, theirs = table.split(len(texts.samples))
  if not (len(ours) and len(theirs)):
    return {}
  return {f'kmer_js{K}': js_of(ours, theirs)}


KMER_JS = Measure(
  {
    f'kmer_js{K}': Metric(
      f'{K}-mer JS',
      'lower',
      f'Jensen-Shannon divergence of {K}-mers from the references in nats, at '
      'most .693; biased upwards: compare it with the row of real sequences',
      'both',
    ),
  },
  _kmer_js,
  ('references',),
  kind='fasta',
)
