"""Products of matrices, and the work of functions that consist of them.

A product of [m, k] with [k, n] takes 2 m k n operations.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Product(NamedTuple):
  """A product of [m, k] with [k, n], computed `times` times.

  Attributes:
    m: rows of the left factor
    k: columns of the left factor
    n: columns of the right factor
    times: number of such products
  """

  m: int
  k: int
  n: int
  times: float = 1.0

  @property
  def flop(self) -> float:
    return 2.0 * self.m * self.k * self.n * self.times


Products = tuple[Product, ...]


class Work(NamedTuple):
  """The products of a function of activations (left) and weights (right).

  Attributes:
    forward: for the values
    left: for the gradients of the left operands, if they need any
    right: for the gradients of the right operands
  """

  forward: Products = ()
  left: Products = ()
  right: Products = ()

  @property
  def trained(self) -> Products:
    """Values and both gradients: weights and input are trained."""
    return self.forward + self.left + self.right

  @property
  def through(self) -> Products:
    """Values and gradients of the input: the weights are frozen."""
    return self.forward + self.left

  @property
  def of_weights(self) -> Products:
    """Values and gradients of the weights: the input is constant."""
    return self.forward + self.right

  def constant_input(self) -> 'Work':
    """Returns the work without gradients of the left operands."""
    return self._replace(left=())


def flop(products: Iterable[Product]) -> float:
  """Returns the total number of operations."""
  return sum(p.flop for p in products)


def times(products: Iterable[Product], count: float) -> Products:
  """Returns the same products `count` times."""
  return tuple(p._replace(times=p.times * count) for p in products)


def join(*works: Work) -> Work:
  """Returns the work of several functions together."""
  return Work(*(sum(parts, ()) for parts in zip(*works, strict=True)))


def repeated(work: Work, count: float) -> Work:
  """Returns the work of a function applied `count` times."""
  return Work(*(times(part, count) for part in work))


def dense(m: int, k: int, n: int, count: float = 1.0) -> Work:
  """Returns the work of `count` products of [m, k] with [k, n]."""
  return Work(
    (Product(m, k, n, count),),
    (Product(m, n, k, count),),
    (Product(k, m, n, count),),
  )
