"""The file names of a run folder. Other modules use these constants."""

import urllib.parse

CONFIG = 'config.json'  # all settings, and checksums of the corpus
CORPUS = 'corpus.json'  # vocabulary and record of the corpus
ENVIRONMENT = 'environment.json'  # versions, devices, commands
METRICS = 'metrics.jsonl'  # records: train, eval, event
RESULTS_TABLE = 'results.md'
RESULTS = 'results.json'  # rows of the table, stages, protocol
CURVES = 'curves.json'  # measures over temperatures
TEXTS = 'texts.json'  # samples beside their nearest training sentences
FEATURES = 'features.npz'  # discriminator features of real and generated text
REPORT = 'report.html'
LOCK = 'lock'
CHECKPOINTS = 'checkpoints'  # folders KIND-STEP with MANIFEST and STATE
MANIFEST = 'manifest.json'  # leaves, metadata, checksums of all files
STATE = 'state'  # the arrays, written by orbax
ROWS = 'rows'  # NAME-STEP.json
SAMPLES = 'samples'  # PHASE-STEP.txt, PHASE@CLASS-STEP.txt, a sentence a line
FIGURES = 'figures'
TENSORBOARD = 'tensorboard'

OF_CLASS = '@'  # between phase and class


def class_samples(phase: str, name: str) -> str:
  """Returns the name of a phase in the files of samples of one class.

  Characters of the class that file names may lack are percent-encoded.
  """
  return f'{phase}{OF_CLASS}{urllib.parse.quote(name, safe="")}'
