"""The captions grammar as an oracle: readable text of known probability.

`captions_grammar.RULES` holds a finite grammar. Here it becomes a
deterministic probabilistic automaton over words: a state is the set of all
that may still follow (sequences of grammar symbols, called rests), given the
words so far. Prefixes with the same set share a state, and the weights within
it are their mean by expected visits. So an ambiguous grammar does not matter:
a prefix leads to one state, and the automaton is the distribution, exactly.

The oracle mixes every step with a little uniform mass, so that any sentence
and any prefix has a probability and divergences from it are finite:

  p(word | prefix) = (1 - EPS) A(state, word) + EPS / V

Next states. A word that the grammar allows leads on in the automaton. A
foreign word leads to where this word leads most often in the grammar (by
expected visits), so that one slip costs one penalty and not all words behind
it. Class 0 always leads to the end, from which only pads follow, with
probability one.

In figures: V = 1,391 and T = 24, 1,843 states; a sentence has 11.8 words on
average and 16.1 nats (1.26 a token, the end included); of 10,000 sentences
98.8 % are distinct, and 2 % of fresh ones occur among 10,000 others.
"""

import functools
import heapq
import re
from collections import Counter, defaultdict
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.data import captions_grammar
from moegan_jax.data.oracle import Oracle, inverse_cdf
from moegan_jax.ops import recurrence

EPS = 0.002  # uniform mass of a step
# Log-probability of a word behind the end. exp(NEVER) is exactly zero in
# float32, and unlike with -inf, 0 * NEVER is zero in a divergence, not NaN.
NEVER = -1e4

END = ''  # as a word of the automaton; class 0
START = ('S',)  # what is still to come at the beginning
POSSESSIVE = {'m': 'his', 'f': 'her', 'n': 'its', 'p': 'their'}
# How a caption puts its verb: "a man rides", "is riding", "riding".
VERB_FORMS = {'simple': 0.3, 'progressive': 0.3, 'participle': 0.4}
IRREGULAR = {'have': 'has', 'do': 'does'}

Rest = tuple[str, ...]  # grammar symbols that are still to come
Rules = dict[str, list[tuple[float, Rest]]]
Arcs = dict[str, tuple[float, int]]  # word -> (probability, next state)


class Automaton(NamedTuple):
  """The mixed automaton over V = words + 1 classes; state 0 is the start.

  words: V - 1 words, sorted; the class of words[i] is i + 1
  probs: float64 [states, V], p(. | state), rows sum to one
  next: int32 [states, V], the state after each class
  legal: bool [states, V], True where the grammar itself allows the class
  end: the state behind the end
  length: T, words in the longest sentence
  """

  words: list[str]
  probs: np.ndarray
  next: np.ndarray
  legal: np.ndarray
  end: int
  length: int


@functools.cache
def captions_oracle() -> tuple[Oracle, list[str]]:
  """The oracle over sentences of at most T words, and its sorted words.

  Class 0 is pad and end, class i is words[i - 1]. A sentence of full length T
  has no end symbol: what is longer is cut, exactly as a generator cuts it.
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
    """[n, T] -> bool [n]: every step is one of the grammar, to the end."""
    state = np.zeros(len(tokens), np.int32)
    good = np.ones(len(tokens), bool)
    for t in range(tokens.shape[1]):
      good &= machine.legal[state, tokens[:, t]]
      state = machine.next[state, tokens[:, t]]
    # A sentence of full length is complete where the end may come next.
    return good & machine.legal[state, 0]

  return Oracle(log_probs, sample, grammatical), list(machine.words)


@functools.cache
def captions_automaton() -> Automaton:
  """The automaton of `captions_grammar.RULES`."""
  return build_automaton(parse(captions_grammar.RULES), EPS)


def parse(text: str) -> Rules:
  """Rules in the notation of `captions_grammar` -> name -> (p, symbols)."""
  rules = {}
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
  """Hands the subject on to names, verbs and possessives."""
  if symbol.endswith('.#'):
    return symbol[:-1] + subject
  if symbol == 'his~':
    return POSSESSIVE[subject]
  return symbol + subject if symbol.endswith('~') else symbol


def conjugate(verb: str, subject: str) -> list[tuple[float, Rest]]:
  """The forms of a verb, with their shares."""
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
  """'a' or 'an', by the next word's first sound."""
  vowel = word[0] in 'aeiou' and not word.startswith(('uni', 'eu', 'one'))
  return 'an' if vowel else 'a'


def determinise(rules: Rules) -> tuple[list[Arcs], np.ndarray, int]:
  """The automaton without the uniform mass.

  States are sets of rests. They are visited from long to short, so that all
  ways into a state are known before it is left; each carries the expected
  number of times that a sentence comes by.

  Returns:
    arcs: for each state, word -> (probability, next state). State 0 is the
      start; END leads from complete sentences to the last state, which has
      no arcs.
    visits: [states], expected visits in a sentence.
    length: words in the longest sentence.
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
    """The ways to emit the next word: (probability, word, what follows)."""
    if not rest:
      return [(1.0, END, ())]
    head, tail = rest[0], rest[1:]
    if head == 'a':
      # The word behind the article is chosen here and waits its turn.
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

  start = frozenset([START])
  index, mass = {start: 0}, [Counter({START: 1.0})]  # rest -> expected visits
  queue = [(-longest(START), 0)]
  arcs = {}
  while queue:
    _, state = heapq.heappop(queue)
    following = defaultdict(Counter)
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
          mass.append(Counter())
          heapq.heappush(queue, (-max(map(longest, rests)), target))
        mass[target].update(rests)  # adds
      arcs[state][word] = (sum(rests.values()) / total, target)
  end = len(mass)
  for arc in arcs.values():
    if END in arc:
      arc[END] = (arc[END][0], end)
  visits = np.array([*(sum(m.values()) for m in mass), 1.0])
  ordered = [*(arcs[state] for state in range(end)), {}]
  return ordered, visits, longest(START)


def build_automaton(rules: Rules, eps: float) -> Automaton:
  """Dense tables of the mixed automaton, as the module's docstring says."""
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
