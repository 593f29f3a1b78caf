"""Settings of the program around a system: data, evaluation, checkpoints.

They say on what a system is trained and what is recorded. None of them changes
the traced update, except `precision` and `unroll`.
"""


def program() -> dict:
  """The settings outside of sections."""
  return {
    'system': 'moegan',  # a key of config.training.SYSTEMS
    'seed': 0,  # of parameters, batches and samples
    'num_seeds': 1,  # runs side by side, each with its own parameters
    'init_from': '',  # workdir whose generator after likelihood is the start
    # Of products while training: platform (TPU bfloat16, CPU float32), float32,
    # bfloat16 (factors; sums, state and losses stay float32)
    'precision': 'platform',
    'unroll': 1,  # timesteps per iteration of the compiled scan
    # When a value is not finite: mark the seed and continue the others, or
    # rollback to the last checkpoint at half the learning rates
    'on_nan': 'mark',  # mark, rollback
    'max_rollbacks': 3,  # per run; after that, mark
    'log_every': 10,  # iterations per training record
    'chunk_seconds': 5.0,  # target duration of a compiled call
  }


# Arguments that several corpora share.
_LIMIT = {'limit': 0}  # use the first sequences of the training part; 0: all
_STREAM = {'stream': False}  # keep tokens on the host; large corpora always
_VALID = {'valid_share': 0.05}  # last lines of the training part


def _benchmark() -> dict:
  return {
    'dir': '',  # folder with the benchmark's files; else MOEGAN_DATA_DIR
    'offline_fallback': 'captions',  # replaces a missing benchmark; '': none
    'max_length': 0,  # longest sentence in tokens; 0: no limit
    **_VALID,
  }


def _text() -> dict:
  return {
    'path': '',  # the file; .gz as well
    'test_path': '',  # held-out file; else a part of `path`
    'test_share': 0.1,  # that part
    'column': '',  # of csv, tsv, jsonl; empty: the only one, or text
    'label_column': '',  # class of each line; empty: none
    # Whether csv and tsv begin with names of columns: true, false (columns are
    # then 1, 2, ...), auto (true, with a warning if line 1 looks like data)
    'header': 'auto',
    'encoding': 'utf-8',  # such as utf-16, latin-1, gb18030
    # auto (by the file's ending), word, word_cased, char, whitespace, bpe,
    # smiles, fasta, ids
    'codec': 'auto',
    'max_length': 0,  # longest sentence in tokens; 0: no limit
    'min_count': 1,  # occurrences of a word in the vocabulary
    'max_vocab': 0,  # words at most; 0: all, bpe 4,000
    **_VALID,
  }


def _matrix() -> dict:
  return {
    'path': '',  # .npy, int32 [N, T]
    'test_path': '',  # held-out file; else a part of `path`
    'test_share': 0.1,  # that part
    **_VALID,
  }


def _drawn() -> dict:
  return {
    'train_size': 10_000,  # sequences
    'test_size': 10_000,  # sequences
    'sample_seed': 1,  # of the sequences
    'valid_share': 0.0,  # the distribution itself judges what is best
  }


def _oracle() -> dict:
  return {
    'vocab_size': 5000,  # V
    'length': 20,  # T
    'oracle_dim': 32,  # embedding and hidden size of the LSTM
    'oracle_seed': 0,  # of its parameters
    'oracle_file': '',  # .npz with parameters
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
  """The corpus: the section `data`.

  Args:
    name: one of CORPORA
  """
  return {'name': name, **_CORPORA[name](), **_LIMIT, **_STREAM}


def evaluation() -> dict:
  """What is measured: the section `eval`."""
  return {
    'samples': 1000,  # while training
    'final_samples': 10_000,  # at the end of a phase
    'chunk': 256,  # sequences at a time
    'best': 'auto',  # measure that selects the best checkpoint
    'selection': 'validation',  # text of that measure: validation, test
    'temperatures': (0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5),  # curves
    'curve_samples': 1000,  # per temperature; 0: no curves
    'language_model': False,  # scores by an LSTM fitted for each row
  }


def mesh() -> dict:
  """Devices: the section `mesh`; a run may be resumed on others."""
  return {
    'seed': 0,  # along the seeds; 0: as many as divide them
    'data': 0,  # along the batch; 0: those that are left
  }


def checkpoint() -> dict:
  """Saving: the section `checkpoint`."""
  return {
    'keep': 3,  # newest ones
    'every': 60.0,  # seconds between two
  }


SECTIONS = {
  'data': data,
  'eval': evaluation,
  'mesh': mesh,
  'checkpoint': checkpoint,
}
