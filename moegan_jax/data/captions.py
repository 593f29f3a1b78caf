"""The captions grammar as an oracle: readable text of known probability.

captions_grammar.txt holds a finite grammar. This module converts it to a
deterministic probabilistic automaton over words. A state is the set of
sequences of grammar symbols (called rests) that may follow the words so far.
Prefixes with the same set share a state, whose weights are their mean, weighted
by expected visits. A prefix leads to one state even if the grammar is
ambiguous, so the automaton represents the distribution exactly.

The oracle mixes every step with a small uniform mass, so that all sentences and
prefixes have a positive probability and divergences are finite:

    p(word | prefix) = (1 - EPS) A(state, word) + EPS / V

Next states: a word that the grammar allows follows its arc of the automaton. A
word that it does not allow leads to the state that this word reaches most often
(by expected visits), so that one wrong word is penalised once and does not
affect the words after it. Class 0 always leads to the end state, where the next
class is 0 with probability one.

Statistics: V = 1,391, T = 24, 1,843 states; a sentence has 11.8 words and 16.1
nats on average (1.26 nats per token, the end included). Of 10,000 sentences
98.8 % are distinct, and 2 % occur among 10,000 other ones.
"""

import functools
import heapq
import pathlib
import re
from collections import defaultdict
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.data.oracle import Oracle, inverse_cdf
from moegan_jax.ops import recurrence

EPS = 0.002  # uniform mass of a step
# Log-probability of a word after the end. exp(NEVER) is exactly zero in
# float32, and 0 * NEVER is zero in a divergence, where 0 * -inf would be NaN.
NEVER = -1e4

END = ''  # the end symbol as a word of the automaton; class 0
START = ('S',)  # rest at the beginning of a sentence
_GRAMMAR = pathlib.Path(__file__).with_name('captions_grammar.txt')
POSSESSIVE = {'m': 'his', 'f': 'her', 'n': 'its', 'p': 'their'}
# Shares of the verb forms "a man rides", "a man is riding", "a man riding".
VERB_FORMS = {'simple': 0.3, 'progressive': 0.3, 'participle': 0.4}
IRREGULAR = {'have': 'has', 'do': 'does'}

Rest = tuple[str, ...]  # grammar symbols that follow the words so far
Rules = dict[str, list[tuple[float, Rest]]]
Arcs = dict[str, tuple[float, int]]  # word -> (probability, next state)


class Automaton(NamedTuple):
  """The mixed automaton over V = words + 1 classes; state 0 is the start.

  Attributes:
    words: V - 1 words, sorted; the class of words[i] is i + 1
    probs: float64 [states, V], p(. | state); rows sum to one
    next: int32 [states, V], the state after each class
    legal: bool [states, V], whether the grammar allows the class
    end: the state after the end of a sentence
    length: T, the number of words of the longest sentence
  """

  words: list[str]
  probs: np.ndarray
  next: np.ndarray
  legal: np.ndarray
  end: int
  length: int


@functools.cache
def captions_oracle() -> tuple[Oracle, list[str]]:
  """Builds the oracle over sentences of at most T words.

  Returns:
    The oracle and its sorted words. Class 0 is pad and end, and class i is
    words[i - 1].

  A sentence of length T has no end symbol. Longer ones are cut, as a generator
  cuts them.
  """
  machine = captions_automaton()
  cdf = np.cumsum(machine.probs, axis=1)
  with np.errstate(divide='ignore'):
    log_table = np.maximum(np.log(machine.probs), NEVER).astype(np.float32)

  def log_probs(tokens: jax.Array) -> jax.Array:
    table, following = jnp.asarray(log_table), jnp.asarray(machine.next)

    def cell(state, token):
      return following[state, token], state

    first = jnp.zeros(tokens.shape[0], jnp.int32)
    _, states = recurrence.unroll(cell, first, tokens)
    return table[states]

  def sample(rng: np.random.RandomState, n: int) -> np.ndarray:
    uniform = rng.random_sample((n, machine.length))
    tokens = np.zeros(uniform.shape, np.int32)
    state = np.zeros(n, np.int32)
    for t in range(machine.length):
      tokens[:, t] = inverse_cdf(cdf[state], uniform[:, t])
      state = machine.next[state, tokens[:, t]]
    return tokens

  def grammatical(tokens: np.ndarray) -> np.ndarray:
    """Returns bool [n]: whether the grammar allows every step of [n, T]."""
    state = np.zeros(len(tokens), np.int32)
    good = np.ones(len(tokens), bool)
    for t in range(tokens.shape[1]):
      good &= machine.legal[state, tokens[:, t]]
      state = machine.next[state, tokens[:, t]]
    # A sentence of length T must be complete without its end symbol.
    return good & machine.legal[state, 0]

  return Oracle(log_probs, sample, grammatical), list(machine.words)


@functools.cache
def captions_automaton() -> Automaton:
  """Builds the automaton of the captions grammar."""
  return build_automaton(parse(read_rules()), EPS)


def read_rules() -> str:
  """Reads captions_grammar.txt."""
  return _GRAMMAR.read_text(encoding='utf-8')


def parse(text: str) -> Rules:
  """Parses rules.

  Args:
    text: rules in the notation of captions_grammar.txt.

  Returns:
    Name -> alternatives, each with its probability and its symbols.
  """
  rules = {}
  text = re.sub(r'^#.*\n', '', text, flags=re.MULTILINE)
  for line in re.sub(r'\n +', ' ', text.strip()).splitlines():
    if not line.strip():
      continue
    name, body = line.split(':')
    parts = [part.split() for part in body.split('|')]
    weighted = any(part[0].startswith('*') for part in parts)
    alternatives = []
    for rank, part in enumerate(parts):
      weight = 1.0 if weighted else 1 / (rank + 5)
      if part[0].startswith('*'):
        weight = float(part.pop(0)[1:])
      alternatives.append((weight, tuple(x for x in part if x != '_')))
    total = sum(weight for weight, _ in alternatives)
    alternatives = [(weight / total, part) for weight, part in alternatives]
    subjects = 'mfnp' if name.endswith('.#') else ' '
    for subject in subjects:
      rules[name.replace('#', subject)] = [
        (p, tuple(_agree(symbol, subject) for symbol in part))
        for p, part in alternatives
      ]
  return rules


def _agree(symbol: str, subject: str) -> str:
  """Passes the subject on to names, verbs and possessives."""
  if symbol.endswith('.#'):
    return symbol[:-1] + subject
  if symbol == 'his~':
    return POSSESSIVE[subject]
  return symbol + subject if symbol.endswith('~') else symbol


def conjugate(verb: str, subject: str) -> list[tuple[float, Rest]]:
  """Returns the forms of a verb with their shares.

  Args:
    verb: its infinitive.
    subject: 'm', 'f', 'n' or 'p' (plural).
  """
  plural = subject == 'p'
  be = 'are' if plural else 'is'
  if verb == 'be':
    return [(1.0, (be,))]
  if plural:
    simple = verb
  elif verb in IRREGULAR:
    simple = IRREGULAR[verb]
  elif re.search(r'[^aeiou]y$', verb):
    simple = verb[:-1] + 'ies'
  else:
    simple = verb + ('es' if re.search(r'(s|x|z|ch|sh)$', verb) else 's')
  if verb.endswith('ie'):
    participle = verb[:-2] + 'ying'
  elif re.search(r'[^e]e$', verb):
    participle = verb[:-1] + 'ing'
  elif re.fullmatch(r'[^aeiou]*[aeiou][^aeiouwxy]', verb):
    participle = verb + verb[-1] + 'ing'
  else:
    participle = verb + 'ing'
  return [
    (VERB_FORMS['simple'], (simple,)),
    (VERB_FORMS['progressive'], (be, participle)),
    (VERB_FORMS['participle'], (participle,)),
  ]


def article(word: str) -> str:
  """Returns 'a' or 'an' for the first sound of a word."""
  vowel = word[0] in 'aeiou' and not word.startswith(('uni', 'eu', 'one'))
  return 'an' if vowel else 'a'


def determinise(rules: Rules) -> tuple[list[Arcs], np.ndarray, int]:
  """Converts a grammar to an automaton without the uniform mass.

  Args:
    rules: see `parse`.

  Returns:
    arcs: for each state, word -> (probability, next state). State 0 is the
      start. END leads from complete sentences to the last state, which has
      no arcs.
    visits: float [states], expected number of visits in a sentence.
    length: number of words of the longest sentence.

  States are sets of rests. They are processed by decreasing length of the
  longest rest, so that all arcs into a state are known before its own arcs are
  computed.
  """

  @functools.cache
  def longest(rest: Rest) -> int:
    if len(rest) != 1:
      return sum(longest((symbol,)) for symbol in rest)
    symbol = rest[0]
    if '~' in symbol:
      return max(len(form) for _, form in conjugate(*symbol.split('~')))
    if symbol[0].isupper():
      return max(longest(option) for _, option in rules[symbol])
    return 1

  @functools.cache
  def first(rest: Rest) -> list[tuple[float, str, Rest]]:
    """Lists the next words: (probability, word, rest after it)."""
    if not rest:
      return [(1.0, END, ())]
    head, tail = rest[0], rest[1:]
    if head == 'a':
      # The article depends on the next word, which is chosen here as well.
      return [(p, article(w), (w, *after)) for p, w, after in first(tail)]
    if '~' in head:
      options = conjugate(*head.split('~'))
    elif head[0].isupper():
      options = rules[head]
    else:
      return [(1.0, head, tail)]
    return [
      (p * q, word, after)
      for p, option in options
      for q, word, after in first(option + tail)
    ]

  index: dict[frozenset[Rest], int] = {frozenset([START]): 0}
  # Of each state: rest -> expected visits.
  mass: list[defaultdict[Rest, float]] = [defaultdict(float, {START: 1.0})]
  queue = [(-longest(START), 0)]
  arcs: dict[int, dict[str, tuple[float, int]]] = {}
  while queue:
    _, state = heapq.heappop(queue)
    following: defaultdict[str, defaultdict[Rest, float]]
    following = defaultdict(lambda: defaultdict(float))
    for rest, share in mass[state].items():
      for p, word, after in first(rest):
        following[word][after] += share * p
    arcs[state] = {}
    total = sum(mass[state].values())
    for word, rests in following.items():
      target = -1
      if word != END:
        target = index.setdefault(frozenset(rests), len(mass))
        if target == len(mass):
          mass.append(defaultdict(float))
          heapq.heappush(queue, (-max(map(longest, rests)), target))
        for rest, share in rests.items():
          mass[target][rest] += share
      arcs[state][word] = (sum(rests.values()) / total, target)
  end = len(mass)
  for arc in arcs.values():
    if END in arc:
      arc[END] = (arc[END][0], end)
  visits = np.array([*(sum(m.values()) for m in mass), 1.0])
  ordered = [*(arcs[state] for state in range(end)), {}]
  return ordered, visits, longest(START)


def build_automaton(rules: Rules, eps: float) -> Automaton:
  """Builds the dense tables of the mixed automaton; see the module.

  Args:
    rules: see `parse`.
    eps: uniform mass of a step.
  """
  arcs, visits, length = determinise(rules)
  end = len(arcs) - 1
  words = sorted({word for arc in arcs for word in arc} - {END})
  ids = {END: 0} | {word: i + 1 for i, word in enumerate(words)}

  heaviest = {END: (1.0, end)}
  for state, arc in enumerate(arcs):
    for word, (p, target) in arc.items():
      if word != END:
        best = heaviest.get(word, (-1.0, 0))
        heaviest[word] = max(best, (visits[state] * p, target))
  default = np.array([heaviest[word][1] for word in [END, *words]], np.int32)

  probs = np.zeros((len(arcs), len(ids)))
  following = np.tile(default, (len(arcs), 1))
  legal = np.zeros(probs.shape, bool)
  for state, arc in enumerate(arcs):
    for word, (p, target) in arc.items():
      probs[state, ids[word]] = p
      following[state, ids[word]] = target
      legal[state, ids[word]] = True
  probs = (1 - eps) * probs + eps / len(ids)
  probs[end] = np.arange(len(ids)) == 0
  following[end] = end
  legal[end, 0] = True
  return Automaton(words, probs, following, legal, end, length)
