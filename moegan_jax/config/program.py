"""Settings of the program around a system: data, evaluation, checkpoints.

They select the corpus, the measures and what is saved. Of these settings only
`precision` and `unroll` change the traced update.
"""


def program() -> dict:
  """Returns the settings outside of sections."""
  return {
    'system': 'moegan',  # a key of config.training.SYSTEMS
    'seed': 0,  # seed of parameters, batches and samples
    'num_seeds': 1,  # seeds to train together, each with its own parameters
    'init_from': '',  # run whose generator after likelihood is the warm start
    # Precision of matrix products in training: platform (TPU bfloat16, CPU
    # float32), float32, bfloat16 (factors only; sums, state and losses stay
    # float32)
    'precision': 'platform',
    # Timesteps per iteration of the compiled scan; 0: 2 on a GPU, 1 elsewhere
    'unroll': 0,
    # Reaction to a value that is not finite: mark (mark the seed as diverged,
    # continue the others) or rollback (to the last checkpoint, at half the
    # learning rates)
    'on_nan': 'mark',
    'max_rollbacks': 3,  # rollbacks per run; then seeds are marked
    'log_every': 10,  # iterations per training record
    'chunk_seconds': 5.0,  # target duration of a compiled call, in seconds
  }


# Settings that several corpora share.
_LIMIT = {'limit': 0}  # training sequences to use, from the first; 0: all
_STREAM = {'stream': False}  # keep tokens on the host, as for large corpora
_VALID = {'valid_share': 0.05}  # share of training lines for validation (last)


def _benchmark() -> dict:
  """Returns the settings of a benchmark of the literature."""
  return {
    'dir': '',  # folder of the benchmark's files; '': MOEGAN_DATA_DIR
    'offline_fallback': 'captions',  # replaces a missing benchmark; '': none
    'max_length': 0,  # longest sentence in tokens; 0: no limit
    **_VALID,
  }


def _text() -> dict:
  """Returns the settings of a text file or table of the user."""
  return {
    'path': '',  # the file, which may end in .gz
    # Instead of `path`, a file of each class, separated by commas
    'paths': '',
    'test_path': '',  # held-out file; '': hold out a share of `path`
    'test_share': 0.1,  # share of `path` to hold out
    'column': '',  # column of the text (tables); '': the only one or `text`
    'label_column': '',  # column with the class of each line; '': none
    # Whether csv and tsv begin with column names: true, false (the names are
    # 1, 2, ...), auto (true, with a warning if line 1 looks like data)
    'header': 'auto',
    'encoding': 'utf-8',  # such as utf-16, latin-1, gb18030
    # Tokens: auto (by the file's ending), word, word_cased, char, whitespace,
    # bpe, smiles, fasta, ids
    'codec': 'auto',
    'max_length': 0,  # longest sentence in tokens; 0: no limit
    'min_count': 1,  # least number of occurrences of a word in the vocabulary
    'max_vocab': 0,  # largest vocabulary; 0: all words, for bpe 4,000
    **_VALID,
  }


def _matrix() -> dict:
  """Returns the settings of a matrix of ids."""
  return {
    'path': '',  # .npy file, int32 [number of sequences, T]
    'test_path': '',  # held-out file; '': hold out a share of `path`
    'test_share': 0.1,  # share of `path` to hold out
    **_VALID,
  }


def _drawn() -> dict:
  """Returns the settings of a corpus drawn from a known distribution."""
  return {
    'train_size': 10_000,  # training sequences
    'test_size': 10_000,  # test sequences
    'sample_seed': 1,  # seed of the sequences
    'valid_share': 0.0,  # the known distribution selects the best checkpoint
  }


def _oracle() -> dict:
  """Returns the settings of an LSTM with random parameters as oracle."""
  return {
    'vocab_size': 5000,  # V
    'length': 20,  # T
    'oracle_dim': 32,  # embedding and hidden size of the LSTM
    'oracle_seed': 0,  # seed of its parameters
    'oracle_file': '',  # .npz file with its parameters; '': random ones
    **_drawn(),
  }


_CORPORA = {
  'coco': _benchmark,
  'coco_iid': _benchmark,
  'emnlp': _benchmark,
  'captions': _drawn,
  'oracle': _oracle,
  'text': _text,
  'matrix': _matrix,
}
CORPORA = tuple(_CORPORA)
ENDLESS = ('oracle',)  # all sequences have length T


def data(*, name: str = 'coco') -> dict:
  """Returns the section `data`: the corpus.

  Args:
    name: one of CORPORA
  """
  return {'name': name, **_CORPORA[name](), **_LIMIT, **_STREAM}


def evaluation() -> dict:
  """Returns the section `eval`: the measures."""
  return {
    'samples': 1000,  # samples per evaluation while training
    'final_samples': 10_000,  # samples at the end of a phase
    'chunk': 256,  # batch size of evaluation
    'best': 'auto',  # measure that selects the best checkpoint
    'selection': 'validation',  # text of that measure: validation, test
    # Temperatures of the curves
    'temperatures': (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5),
    'curve_samples': 1000,  # samples per temperature; 0: no curves
    'language_model': False,  # also score by an LSTM fitted for each row
  }


def mesh() -> dict:
  """Returns the section `mesh`: the devices, which may change on resume."""
  return {
    'seed': 0,  # devices along the seeds; 0: the most that divide the seeds
    'data': 0,  # devices along the batch; 0: the remaining ones
  }


def checkpoint() -> dict:
  """Returns the section `checkpoint`."""
  return {
    'keep': 3,  # number of the newest checkpoints to keep
    'every': 60.0,  # seconds between two checkpoints
  }


SECTIONS = {
  'data': data,
  'eval': evaluation,
  'mesh': mesh,
  'checkpoint': checkpoint,
}
