"""Finished runs, read from their folders."""

import os
import pathlib
from typing import Any, NamedTuple

import numpy as np

from moegan_jax.report.rows import Row
from moegan_jax.store import reading, schema
from moegan_jax.store.reading import as_dict, as_numbers, as_text, parse_json


class Curves(NamedTuple):
  """Measures as functions of the sampling temperature.

  Attributes:
    samples: number of samples behind each point.
    temperatures: [t], ascending.
    phases: key of a row -> measure -> [t, seeds].
    real: measure -> value of as many real sentences; {} if unknown.
  """

  samples: int
  temperatures: np.ndarray
  phases: dict[str, dict[str, np.ndarray]]
  real: dict[str, float]


class NearestPair(NamedTuple):
  """A sample and its nearest training sentence.

  Attributes:
    sample: the sample.
    nearest: the training sentence.
    distance: the distance between both, in [0, 1].
  """

  sample: str
  nearest: str
  distance: float


class TextExamples(NamedTuple):
  """Generated text of a run.

  Attributes:
    row: key of the table row that the samples belong to.
    pairs: samples with their nearest training sentences.
    top: the most frequent samples with their counts.
    lengths: 'samples', 'train' or 'test' -> [n], the number of sentences with
      0, 1, ..., n - 1 tokens.
  """

  row: str
  pairs: list[NearestPair]
  top: list[tuple[str, int]]
  lengths: dict[str, np.ndarray]


class Features(NamedTuple):
  """Discriminator features of sentences.

  Attributes:
    real: [n, F], of real sentences.
    fake: [m, F], of samples.
  """

  real: np.ndarray
  fake: np.ndarray


class StageRecord(NamedTuple):
  """A stage of training.

  Attributes:
    name: of its phase, as in metrics.jsonl.
    label: for people, such as 'MLE'.
    end: its last step.
  """

  name: str
  label: str
  end: int


class FinishedRun(NamedTuple):
  """A finished run.

  Attributes:
    path: its folder.
    label: name of the system.
    corpus: name of the corpus.
    benchmark: corpus whose published rows are comparable; '' for none.
    stands_in: what replaces the benchmark's data; '' if nothing does.
    stages: key of a row -> the stage of training at whose end it was measured,
      in order.
    phases: name -> label of all phases, in order.
    protocol: how the measures were computed.
    rows: the rows of its table with values [seeds]; real text has the keys
      real_train and real_test.
    config: nested settings.
    environment: the newest environment; {} if unknown.
    corpus_file: contents of corpus.json; {} if unknown.
    records: contents of metrics.jsonl, in file order.
    curves: temperature curves, or None.
    examples: generated text, or None.
    features: discriminator features, or None.
  """

  path: pathlib.Path
  label: str
  corpus: str
  benchmark: str
  stands_in: str
  stages: dict[str, StageRecord]
  phases: dict[str, str]
  protocol: dict[str, Any]
  rows: list[Row]
  config: dict[str, Any]
  environment: dict[str, Any]
  corpus_file: dict[str, Any]
  records: list[dict[str, Any]]
  curves: Curves | None
  examples: TextExamples | None
  features: Features | None

  def label_of(self, name: str) -> str:
    """Returns the label of a phase or of the key of a row."""
    for key, stage in self.stages.items():
      if name in (key, stage.name):
        return stage.label
    return self.phases.get(name, name)


def load(path: str | os.PathLike) -> FinishedRun:
  """Reads the folder of a finished run.

  Args:
    path: the folder; config.json and results.json are required.

  Raises:
    UserError: the folder holds no finished run, or a file is damaged.
  """
  path = pathlib.Path(path)
  reading.check_finished(path)
  features = reading.read_features(path / schema.FEATURES)
  return FinishedRun(
    path=path,
    config=parse_json(path / schema.CONFIG, as_dict, {}),
    environment=parse_json(
      path / schema.ENVIRONMENT, lambda entries: as_dict(entries[-1]), {}
    ),
    corpus_file=parse_json(path / schema.CORPUS, as_dict, {}),
    records=reading.read_metrics(path / schema.METRICS),
    curves=parse_json(path / schema.CURVES, _curves, None),
    examples=parse_json(path / schema.TEXTS, _examples, None),
    features=Features(*features) if features else None,
    **parse_json(path / schema.RESULTS, _results, {}),
  )


def _results(value: Any) -> dict[str, Any]:
  return {
    'label': as_text(value['label']),
    'corpus': as_text(value['corpus']),
    'benchmark': as_text(value.get('benchmark', '')),
    'stands_in': as_text(value.get('stands_in', '')),
    'stages': {
      key: StageRecord(
        as_text(stage['name']), as_text(stage['label']), int(stage['end'])
      )
      for key, stage in as_dict(value['stages']).items()
    },
    'phases': {
      name: as_text(label)
      for name, label in as_dict(value.get('phases', {})).items()
    },
    'protocol': as_dict(value.get('protocol', {})),
    'rows': [
      Row(
        as_text(row['label']),
        {key: as_numbers(v) for key, v in as_dict(row['values']).items()},
        as_text(row.get('note', '')),
        key=as_text(row['key']),
        classes={
          as_text(name): {k: as_numbers(v) for k, v in as_dict(those).items()}
          for name, those in as_dict(row.get('classes', {})).items()
        },
      )
      for row in value['rows']
    ],
  }


def _curves(value: Any) -> Curves | None:
  temperatures = as_numbers(list(value['temperatures']))
  order = np.argsort(temperatures)
  phases = {}
  for phase, curve in as_dict(value['curves']).items():
    arrays = {
      # Indexing with `order` raises if a temperature is missing.
      key: np.stack([as_numbers(point) for point in points])[order]
      for key, points in as_dict(curve).items()
    }
    # A seed that diverged has no curve: all of its values are NaN.
    missing = [np.isnan(array).all(axis=0) for array in arrays.values()]
    kept = ~np.all(missing, axis=0) if missing else slice(None)
    phases[phase] = {key: array[:, kept] for key, array in arrays.items()}
  real = {k: float(v) for k, v in as_dict(value.get('real', {})).items()}
  return Curves(int(value['samples']), temperatures[order], phases, real)


def _examples(value: Any) -> TextExamples:
  lengths = as_dict(value.get('lengths', {}))
  return TextExamples(
    as_text(value.get('row', '')),
    [
      NearestPair(
        as_text(pair['sample']),
        as_text(pair['nearest']),
        float(pair['distance']),
      )
      for pair in value.get('pairs', [])
    ],
    [(as_text(line), int(count)) for line, count in value.get('top', [])],
    {part: as_numbers(list(counts)) for part, counts in lengths.items()},
  )
