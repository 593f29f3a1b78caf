"""Descriptions of runs: facts, settings, protocol, and sample texts."""

import datetime
import difflib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from moegan_jax.files import flatten
from moegan_jax.report import table
from moegan_jax.report.finished import FinishedRun
from moegan_jax.report.history import phase_ends
from moegan_jax.report.runs import RunGroup
from moegan_jax.store import reading

_IN_FACTS = ('system', 'seed', 'num_seeds')  # settings that `facts` shows
_JOINED_CODECS = ('char', 'smiles', 'fasta')  # text without blanks


def facts(group: RunGroup) -> list[tuple[str, str]]:
  """Returns system, corpus, seeds, steps, device and date; unknown left out."""
  run = group.first
  steps, start = [], 0
  for phase, end in phase_ends(group).items():
    if end > start:  # a run that starts from another run skips pre-training
      steps.append(f'{end - start:,} {run.label_of(phase)}')
    start = end
  device = run.environment.get('device', '')
  count = run.environment.get('devices', 1)
  times = [
    float(record['time'])
    for one in group.runs
    for record in one.records
    if 'time' in record
  ]
  found = [
    ('system', run.config.get('system', run.label)),
    ('corpus', run.corpus),
    ('seeds', str(group.seeds)),
    ('steps', ' + '.join(steps)),
    ('device', f'{count} × {device}' if device and count != 1 else device),
    ('finished', _date(max(times)) if times else ''),
  ]
  return [(name, value) for name, value in found if value]


def titles(benches: Sequence[Sequence[RunGroup]]) -> list[str]:
  """Returns the names of corpora, numbered where a name occurs repeatedly."""
  names = [groups[0].first.corpus for groups in benches]
  return [
    name if names.count(name) == 1 else f'{name} ({names[: i + 1].count(name)})'
    for i, name in enumerate(names)
  ]


def protocol(run: FinishedRun) -> str:
  """Describes in one line how a run was measured."""
  of_text = any('bleu' in key for row in run.rows for key in row.values)
  return table.protocol_line(run.protocol, of_text)


def settings(config: Mapping[str, Any]) -> list[tuple[str, list]]:
  """Returns settings by section: (name, [(key, value)]); '' is top level."""
  top = {k: v for k, v in config.items() if not isinstance(v, dict)}
  sections = {k: v for k, v in config.items() if isinstance(v, dict)}
  return [
    (name, list(as_strings(section).items()))
    for name, section in {'': top, **sections}.items()
    if section
  ]


def as_strings(values: Mapping[str, Any]) -> dict[str, str]:
  """Flattens nested values to dotted keys and strings; empty ones left out."""
  return {
    key: value if isinstance(value, str) else json.dumps(value)
    for key, value in flatten(dict(values)).items()
    if value not in ('', None, [])
  }


def differing_settings(groups: Sequence[RunGroup]) -> list[tuple[str, list]]:
  """Returns the settings in which groups differ: (key, one value per group)."""
  flat = [flatten(group.first.config) for group in groups]
  keys = dict.fromkeys(k for one in flat for k in one if k not in _IN_FACTS)
  found = []
  for key in keys:
    values = [json.dumps(one.get(key, '')).strip('"') for one in flat]
    if len(set(values)) > 1:
      found.append((key, values))
  return found


def nearest_pairs(run: FinishedRun) -> list[dict[str, Any]]:
  """Returns samples and their nearest training sentences, cut into pieces.

  Returns:
    Dicts with the `pieces` of 'sample' and 'nearest', and the 'distance'.
  """
  if run.examples is None:
    return []
  gap = separator(run)
  return [
    {
      'sample': pieces(pair.sample, pair.nearest, gap),
      'nearest': pieces(pair.nearest, pair.sample, gap),
      'distance': f'{pair.distance:.2f}',
    }
    for pair in run.examples.pairs
  ]


def separator(run: FinishedRun) -> str:
  """Returns the string between two tokens in a line of text."""
  return '' if run.corpus_file.get('codec') in _JOINED_CODECS else ' '


def pieces(text: str, other: str, gap: str) -> list[tuple[str, bool]]:
  """Cuts a text into pieces that occur, or do not occur, in another text.

  Args:
    text: the text that is cut.
    other: the text that it is compared with.
    gap: separator of the compared units; '' compares characters.

  Returns:
    Pieces in order, and whether each differs from the other text.
  """
  ours, theirs = (x.split(gap) if gap else list(x) for x in (text, other))
  matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
  return [
    (gap.join(ours[start:stop]), kind != 'equal')
    for kind, start, stop, _, _ in matcher.get_opcodes()
    if stop > start
  ]


def last_samples(run: FinishedRun, most: int = 12) -> list[str]:
  """Returns the first lines of the newest samples.

  Args:
    run: the run; [] is returned if it has `examples.pairs` to show instead.
    most: number of lines.
  """
  if run.examples is not None and run.examples.pairs:
    return []
  path = reading.newest_samples(run.path)
  try:
    text = path.read_text(encoding='utf-8', errors='replace') if path else ''
  except OSError:
    return []
  return text.splitlines()[:most]


def _date(seconds: float) -> str:
  """Formats seconds since 1970 as a UTC date; '' if out of range."""
  try:
    moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
  except (ValueError, OverflowError, OSError):
    return ''
  return f'{moment:%Y-%m-%d}'
