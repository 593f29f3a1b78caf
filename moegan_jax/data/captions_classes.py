"""Classes of the captions grammar, with their exact densities.

The class of a sentence follows from its words: 'people' or 'animals' is the
kind of the first word that names one of them, and 'things' is the class of
sentences without such a word. So that every sentence has a positive probability
in every class and divergences are finite, a share EPS of the labels is drawn
uniformly:

    p(k | x) = (1 - EPS) 1[kind of x is k] + EPS / K
    p(x | k) = p(x) p(k | x) / p(k)

Here p(x) is the density of the oracle, so labels do not change the text. A step
has p(x_t | x_<t, k) = p(x_t | x_<t) p(k | x_<=t) / p(k | x_<t), where p(k |
prefix) is computed backwards over the automaton, for every state and position.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from moegan_jax.data.captions import Automaton, captions_automaton
from moegan_jax.data.oracle import OracleClasses
from moegan_jax.ops import recurrence

EPS = 0.002  # share of labels that are drawn uniformly
NAMES = ('animals', 'people', 'things')
_ANIMALS = """
  antelope antelopes bear bears bird birds buffalo bulldog cat cats cattle cow
  cows crows dog dogs donkey donkeys duck ducks eagle elephant elephants geese
  giraffe giraffes goat goats heron horse horses hummingbird kitten kittens lamb
  lion lions monkey monkeys owl parrot penguins pig pigeon pigeons pony poodle
  poodles puppies puppy rhino seagull seagulls sheep swan swans terrier zebra
  zebras
"""
_PEOPLE = """
  adults batter batters boy boys catcher children couple cowboy cowboys cowgirl
  crowd farmer farmers father friend friends gentleman girl girls grandmother
  kids lady man men neighbors people player players riders shepherd skateboarder
  skateboarders skaters teenagers umpire woman women
"""
_THINGS = len(NAMES) - 1


def kinds_of(words: list[str]) -> np.ndarray:
  """Returns the class that each word decides, int [V]; -1 for most words.

  Args:
    words: the V - 1 words of the automaton; class 0 is the end symbol.
  """
  decided = np.full(len(words) + 1, -1)
  for k, names in enumerate((_ANIMALS, _PEOPLE)):
    for word in names.split():
      decided[words.index(word) + 1] = k
  return decided


def kinds(tokens: np.ndarray, decided: np.ndarray) -> np.ndarray:
  """Returns the class of each sentence without noise, int [n].

  Args:
    tokens: int32 [n, T].
    decided: of `kinds_of`.
  """
  found = decided[tokens]
  first = (found >= 0).argmax(1)
  kind = found[np.arange(len(tokens)), first]
  return np.where(kind >= 0, kind, _THINGS).astype(np.int32)


def posterior(machine: Automaton, decided: np.ndarray) -> np.ndarray:
  """Computes the probabilities of the classes of undecided prefixes.

  Args:
    machine: the automaton.
    decided: of `kinds_of`.

  Returns:
    float64 [T + 1, states, K], without the noise of labels: entry [t, s] is
    that of a sentence whose first t words lead to state s and decide nothing.
  """
  states = len(machine.probs)
  found = np.zeros((machine.length + 1, states, len(NAMES)))
  found[-1, :, _THINGS] = 1
  at_once = np.stack(
    [machine.probs[:, decided == k].sum(1) for k in range(len(NAMES))], axis=1
  )
  later = np.where(decided < 0, machine.probs, 0)
  for t in reversed(range(machine.length)):
    # One class at a time bounds the memory.
    for k in range(len(NAMES)):
      following = found[t + 1, :, k][machine.next]
      found[t, :, k] = at_once[:, k] + (later * following).sum(1)
  return found


def with_noise(p):
  """Returns p(k | x) from the probabilities without noise."""
  return (1 - EPS) * p + EPS / len(NAMES)


def captions_classes(base) -> OracleClasses:
  """Returns the classes of the captions oracle.

  Args:
    base: `Oracle.log_probs` of the captions.
  """
  machine = captions_automaton()
  decided = kinds_of(machine.words)

  @functools.cache
  def table() -> np.ndarray:
    return with_noise(posterior(machine, decided)).astype(np.float32)

  def draw(rng: np.random.RandomState, tokens: np.ndarray) -> np.ndarray:
    n = len(tokens)
    noisy, others = rng.random_sample(n) < EPS, rng.randint(len(NAMES), size=n)
    return np.where(noisy, others, kinds(tokens, decided)).astype(np.int32)

  def log_probs(tokens: jax.Array, labels: jax.Array) -> jax.Array:
    """Returns log p(. | tokens[:, :t], k) at each t, float32 [n, T, V]."""
    n, length = tokens.shape
    following, kind = jnp.asarray(machine.next), jnp.asarray(decided)
    undecided = jnp.asarray(table())
    certain = jnp.asarray(with_noise(np.eye(len(NAMES), dtype=np.float32)))

    def cell(carry, token):
      state, found = carry
      after = jnp.where(found < 0, kind[token], found)
      return (following[state, token], after), carry

    start = jnp.zeros(n, jnp.int32), jnp.full(n, -1, kind.dtype)
    _, (states, found) = recurrence.unroll(cell, start, tokens)
    t, k = jnp.arange(length)[None], labels[:, None]
    # p(k | prefix), and p(k | prefix and word) for each next word.
    now = jnp.where(found < 0, undecided[t, states, k], certain[found, k])
    known = jnp.where(found[..., None] < 0, kind[None, None], found[..., None])
    t, k = t[..., None], k[..., None]
    then = jnp.where(
      known < 0, undecided[t + 1, following[states], k], certain[known, k]
    )
    return base(tokens) + jnp.log(then) - jnp.log(now)[..., None]

  return OracleClasses(NAMES, draw, log_probs)
