"""The typed calls, over whichever API carries them."""

import abc
from collections.abc import Mapping, Sequence

import numpy as np

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.client import answers, asking
from tfrec_combo.client.asking import SetWishes, Shopper
from tfrec_combo.client.retry import persist
from tfrec_combo.client.signatures import Signature

NOBODY, ANY = Shopper(), SetWishes()


class Client(abc.ABC):
  """Asks one served model. May be used by many threads at once; it is a context manager.

  Args:
    timeout: seconds that a call may take, its retries and waits included.
    retries: of a request that found the server busy, not up yet or gone.

  Every call raises a ServerError where the server refuses or does not answer in time, and a DataError where the model does not
  take what is asked.
  """

  def __init__(self, timeout: float = 5.0, retries: int = 3):
    self.timeout, self.retries = timeout, retries
    self._signatures: Mapping[str, Signature] | None = None

  def signatures(self) -> Mapping[str, Signature]:
    """What the model takes and gives, asked once."""
    if self._signatures is None:
      self._signatures = persist(self._metadata, self.timeout, self.retries)
    return self._signatures

  def predict(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Runs a signature: arrays by input name -> arrays by output name; strings are str in arrays of objects."""
    declared = self.signature(signature)
    return persist(lambda left: self._predict(signature, declared, inputs, left), self.timeout, self.retries)

  def signature(self, name: str) -> Signature:
    """One signature.

    Raises:
      DataError: the model has none of that name.
    """
    known = self.signatures()
    if name not in known:
      raise DataError(
        fault("signature", "must be one that is served", name, "use one of: " + ", ".join(sorted(known)))
      )
    return known[name]

  def recommend(
    self, shopper: Shopper = NOBODY, k: int = 10, diversity: float | None = None, novelty: float | None = None
  ) -> list[answers.Product]:
    """The k best products for this shopper, basket and query, best first; fewer where the model answers fewer.

    diversity and novelty, 0 to 1: fit given up for products unlike each other, and for less popular ones.
    """
    return self._products("recommend", shopper, k, diversity=diversity, novelty=novelty)

  def complete_basket(
    self, shopper: Shopper, k: int = 10, diversity: float | None = None, novelty: float | None = None
  ) -> list[answers.Product]:
    """As `recommend`, with the basket product that each goes with."""
    return self._products("complete_basket", shopper, k, diversity=diversity, novelty=novelty)

  def combine(self, shopper: Shopper = NOBODY, wishes: SetWishes = ANY) -> answers.Combined:
    """Sets that go together for this shopper within what is wished for, best first."""
    signature = self.signature("combine")
    outputs = self.predict("combine", asking.inputs(signature, shopper, wishes.inputs()))
    return answers.combined(outputs, asking.beyond(signature, shopper))

  def rank_bundles(
    self, bundles: Sequence[Sequence[str]], shopper: Shopper = NOBODY
  ) -> list[answers.RankedBundle]:
    """The given sets of products, the one this shopper would take first; any number of them."""
    if not bundles:
      return []
    signature = self.signature("rank_bundles")
    asked = [list(ids) for ids in bundles]
    _, sets, size = signature.inputs["set_ids"].shape
    sets, size = sets or len(asked), size or max(map(len, asked))
    longest = max(map(len, asked))
    if longest > size or not min(map(len, asked)):
      rule = f"must each hold 1 to {size} products"
      raise DataError(fault("bundles", rule, [len(ids) for ids in asked], "leave others out"))
    rows = -(-len(asked) // sets)  # what is too many for one row goes to the next
    filled = np.full([rows * sets, size], "", object)
    for row, ids in zip(filled, asked):
      row[: len(ids)] = ids
    wishes = {"set_ids": filled.reshape(rows, sets, size)}
    given = asking.inputs(signature, shopper, wishes)
    inputs = {name: v if len(v) == rows else np.repeat(v, rows, axis=0) for name, v in given.items()}
    return answers.bundles(asked, self.predict("rank_bundles", inputs))

  def _products(self, name: str, shopper: Shopper, k: int, **wishes: float | None) -> list[answers.Product]:
    signature = self.signature(name)
    outputs = self.predict(name, asking.inputs(signature, shopper, wishes))
    return answers.products(outputs, k, asking.beyond(signature, shopper))

  def __enter__(self) -> "Client":
    return self

  def __exit__(self, *_: object) -> None:
    self.close()

  @abc.abstractmethod
  def close(self) -> None:
    """Lets the connections go."""

  @abc.abstractmethod
  def _metadata(self, seconds: float) -> Mapping[str, Signature]:
    """The signatures, asked within `seconds`."""

  @abc.abstractmethod
  def _predict(
    self, name: str, signature: Signature, inputs: Mapping[str, np.ndarray], seconds: float
  ) -> dict[str, np.ndarray]:
    """One attempt at `predict`."""
