"""One request as JSON, checked, and a file of them read a line at a time."""

import os
from collections.abc import Iterator
from typing import Annotated, Any, NotRequired

import pydantic
import pydantic_core
from typing_extensions import TypedDict  # pydantic cannot read Python 3.11's own

from tfrec_combo.base.errors import DataError, fault

LONGEST_LINE = 16 << 20  # bytes; over 100,000 lines of history, and a bound on memory whatever the file holds
MOST_FAULTS = 3  # told of one request
SHOWN = 60  # characters of a wrong value


def _text(value: Any) -> Any:
  return str(value) if type(value) is int else value


# Tables keep ids as numbers as often as not, so 17 means "17". 17.0 is refused: a table turned whole numbers into
# floats, and "17.0" would be an unknown product that nobody hears of.
Id = Annotated[str, pydantic.Strict(), pydantic.BeforeValidator(_text)]
Weight = Annotated[float, pydantic.Field(ge=0, le=1, allow_inf_nan=False)]
Days = Annotated[float, pydantic.Field(ge=0, le=100_000, allow_inf_nan=False)]


# A plain dict: a request may hold hundreds, and a class would double the time to read it.
@pydantic.with_config(extra="forbid")
class Bought(TypedDict):
  """One line of a history: a product, and the days since it was bought (0 where left out)."""

  product_id: Id
  days_ago: NotRequired[Days]


class Request(pydantic.BaseModel):
  """What a shopper is asked for. Everything may be left out or null; the empty request gets the popular answer.

  history: what the shopper bought, newest first; basket: what lies in it now; query: what they look for, in words;
  context: a tag the log has, such as a store; bundle_history: ready-made bundles they took; exclude: what must not be answered,
  products, or where bundles are asked for bundles. diversity and novelty, 0 to 1: how much of their fit may be given up for
  products unlike each other (sets: for sets that share none), and for less popular ones; left out, what the model was
  exported with. user_id is carried and not used: the history says it all.

  For sets: size, products in each, or size_min and size_max; budget, the most they may cost together; must_include, products
  that each holds; one_per_category, true, or how many levels of a category's path are told apart; allowed_categories, paths
  such as "Grocery > Tea", of which each product must lie in one; in_stock, all that may be answered. sets: ready-made ones
  that are to be scored.
  """

  model_config = pydantic.ConfigDict(frozen=True, extra="forbid")

  query_id: Id | None = None
  user_id: Id | None = None
  history: list[Bought] | None = None
  basket: list[Id] | None = None
  query: str | None = None
  context: str | None = None
  bundle_history: list[Id] | None = None
  exclude: list[Id] | None = None
  size: Annotated[int, pydantic.Field(ge=1)] | None = None
  size_min: Annotated[int, pydantic.Field(ge=1)] | None = None
  size_max: Annotated[int, pydantic.Field(ge=1)] | None = None
  budget: Annotated[float, pydantic.Field(gt=0, allow_inf_nan=False)] | None = None
  must_include: list[Id] | None = None
  one_per_category: Annotated[int, pydantic.Field(ge=1, le=100)] | pydantic.StrictBool | None = None
  allowed_categories: list[str] | None = None
  in_stock: list[Id] | None = None
  sets: list[list[Id]] | None = None
  diversity: Weight | None = None
  novelty: Weight | None = None

  @pydantic.model_validator(mode="after")
  def _one_size(self) -> "Request":
    if self.size is not None and (self.size_min is not None or self.size_max is not None):
      raise pydantic_core.PydanticCustomError("sizes", "say either size, or size_min and size_max")
    if self.size_min is not None and self.size_max is not None and self.size_min > self.size_max:
      raise pydantic_core.PydanticCustomError("sizes", "size_min must be at most size_max")
    return self


WAYS_OUT = {
  "sizes": "leave one of them out",
  "json_invalid": "write one JSON object a line",
  "model_type": "write one JSON object a line",
  "missing": "add it",
  "string_type": "write it as a string in quotes",
  "greater_than_equal": "leave it out if it is not known",
  "less_than_equal": "give days, not seconds, and weights of 0 to 1",
  "greater_than": "leave it out if there is none",
}


def parse(line: bytes | str, where: str = "request") -> Request:
  """A checked `Request` from one JSON object.

  >>> parse('{"basket": [17, "18"], "query": "tea"}').basket
  ['17', '18']

  Raises:
    DataError: it is not JSON, has an unknown key or a wrong value; it names `where`, the field and the rule.
  """
  try:
    return Request.model_validate_json(line)
  except pydantic.ValidationError as e:
    raise DataError(f"{where}: {_faults(e)}") from None


def check(values: dict[str, Any], where: str = "request") -> Request:
  """As `parse`, from plain Python values."""
  try:
    return Request.model_validate(values)
  except pydantic.ValidationError as e:
    raise DataError(f"{where}: {_faults(e)}") from None


def _faults(error: pydantic.ValidationError) -> str:
  found = error.errors(include_url=False)
  more = [f"and {len(found) - MOST_FAULTS} more"] if len(found) > MOST_FAULTS else []
  return "; ".join([_told(e) for e in found[:MOST_FAULTS]] + more)


def _told(error: Any) -> str:
  kind, message = error["type"], error["msg"][0].lower() + error["msg"][1:]
  place = ".".join(map(str, error["loc"])) or "request"
  got = "nothing" if kind == "missing" else error["input"]
  got = got if len(repr(got)) <= SHOWN else repr(got)[:SHOWN] + "..."
  if kind == "extra_forbidden":
    known = Request.model_fields if len(error["loc"]) == 1 else Bought.__annotations__
    return fault(place, "is not a key of a request", got, "remove it or use one of: " + ", ".join(known))
  return fault(place, f"breaks a rule ({message})", got, WAYS_OUT.get(kind, "mend the value or leave it out"))


def read(path: str | os.PathLike[str]) -> Iterator[tuple[Request, int]]:
  """The requests of a JSONL file, each with the bytes read up to its end. Blank lines are passed over.

  Raises:
    DataError: the file cannot be read, or a line breaks a rule or has no `query_id`; it names file and line.
  """
  try:
    with open(path, "rb") as f:
      number, place = 0, 0
      while line := f.readline(LONGEST_LINE + 1):
        number, place = number + 1, place + len(line)
        where = f"{path} line {number}"
        if len(line) > LONGEST_LINE:
          rule = f"must be at most {LONGEST_LINE >> 20} MiB long"
          raise DataError(fault(where, rule, "more", "write one JSON object a line"))
        line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line  # an editor's byte order mark
        if not line.strip():
          continue
        request = parse(line, where)
        if request.query_id is None:
          raise DataError(fault(f"{where}: query_id", "must be given", "nothing", "number the requests"))
        yield request, place
  except OSError as e:
    raise DataError(
      fault("--queries", "must name a file that can be read", str(path), e.strerror or "look at it")
    ) from None
