"""What the columns of a user's files look like, from a sample of their rows."""

import dataclasses
import pathlib
import re

import polars as pl

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.logs import formats, parsing

SAMPLE = 200_000  # rows of a file that are looked at, the first ones
# Words of a column's name that tell what it holds, by the contract's name for it.
HINTS = {
  "product_id": "product item article sku asin artikel produkt upc ean articulo art produit",
  "user_id": "user customer client shopper household member buyer visitor account kunde cliente cli socio person",
  "order_id": "order basket receipt transaction invoice cart session ticket tkt purchase bestellung bon pedido factura",
  "timestamp": "time date timestamp day datetime created ordered placed zeit datum fecha",
  "event": "event action kind behavior behaviour",
  "price": "price cost sales value total revenue preis paid msrp rrp uvp vk vkp amount betrag umsatz precio importe imp prix",
  "quantity": "quantity qty units count pieces number menge anzahl stk amount cantidad uds unidades",
  "context": "store channel shop branch location device market till register filiale kasse tienda tda sucursal",
  "text": "title name description desc label product item brand text bezeichnung beschreibung marke marca nombre size package",
  "category": "category department aisle class group family fam section division kategorie abteilung warengruppe seccion type",
  "bundle_id": "bundle set kit pack",
}


@dataclasses.dataclass(frozen=True)
class Column:
  """One column. values: its sample as read, without nulls; the rest are shares of those, but for rows and distinct, counts."""

  path: pathlib.Path
  name: str
  values: pl.Series
  rows: int
  distinct: int
  times: float
  numbers: float
  whole: float
  words: float  # mean number of them

  @property
  def unique(self) -> bool:
    """Whether no two rows share a value, and none lacks one."""
    return self.distinct == self.rows > 1

  @property
  def repeats(self) -> float:
    """Rows a value."""
    return len(self.values) / max(self.distinct, 1)

  @property
  def is_time(self) -> bool:
    """Whether it holds moments. Numbers do where they are too large, and too many, to be counts."""
    return self.times > 0.95 and self.distinct > 1

  @property
  def is_id(self) -> bool:
    """Whether its values may be names of things: short, without fractions, and not the time of a day."""
    named = self.numbers < 0.95 or self.whole > 0.95
    return not self.is_time and self.words < 1.3 and named and not self.is_clock

  @property
  def is_money(self) -> bool:
    """Whether its values may be amounts: above 0, most with a fraction, none of a part of a hundredth."""
    if self.numbers < 0.95 or self.whole > 0.8:
      return False
    few = self.values.head(2000)
    found = parsing.numbers(few if few.dtype.is_numeric() else few.cast(pl.String)).drop_nulls()
    hundredths = 100 * found
    return bool((found > 0).all()) and share((hundredths - hundredths.round()).abs() < 1e-6) > 0.99

  @property
  def is_clock(self) -> bool:
    """Whether it holds times of a day, such as 17:05."""
    texts = self.values.head(2000).cast(pl.String, strict=False)
    return share(texts.str.contains(r"^\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?$")) > 0.95

  def examples(self, count: int = 3) -> list[str]:
    """Its first values, as they are written."""
    return [str(v)[:40] for v in self.values.unique(maintain_order=True).head(count)]

  def says(self, name: str) -> bool:
    """Whether its own name has a word for the contract's column `name`."""
    words = re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", self.name).lower())
    known = HINTS[name].split()
    return any(w == hint or (len(hint) > 3 and hint in w) for w in words for hint in known)


@dataclasses.dataclass(frozen=True)
class File:
  """A file's columns and its sampled frame."""

  path: pathlib.Path
  frame: pl.DataFrame
  columns: list[Column]

  def column(self, name: str) -> Column:
    """One of them."""
    return next(c for c in self.columns if c.name == name)


def share(flags: pl.Series) -> float:
  """Of the values of a series of booleans, how many are true; 0 of none."""
  return float(flags.fill_null(False).sum()) / max(len(flags), 1)


def look(path: pathlib.Path) -> File:
  """The sampled columns of a file.

  Raises:
    DataError: it is of an unknown kind, is not there, cannot be read or holds no rows.
  """
  if not formats.kind(path):
    raise DataError(
      fault(str(path), "must end in one of " + ", ".join(formats.KINDS), path.name, "convert the file")
    )
  if not path.is_file():
    raise DataError(fault(str(path), "must be a file", "nothing", "check the path and its spelling"))
  names = formats.columns_of(path)
  frame = formats.collect(path, formats.scan(path, names).head(SAMPLE)).drop(formats.RECORD, strict=False)
  if not len(frame):
    raise DataError(f"{path}: holds no rows; export it again")
  plain = [
    name for name in frame.columns if not (frame.schema[name].is_nested() or frame.schema[name] == pl.Binary)
  ]
  return File(path, frame.select(plain), [_column(path, frame[name]) for name in plain])


def _column(path: pathlib.Path, values: pl.Series) -> Column:
  there = values.drop_nulls()
  if there.dtype == pl.String:
    there = there.filter(there.str.strip_chars() != "")
  few = there.head(2000)
  numeric = parsing.numbers(few.cast(pl.String) if not few.dtype.is_numeric() else few)
  numeric = numeric if few.dtype.is_numeric() or few.dtype == pl.String else numeric.clear(len(few))
  texts = few.cast(pl.String, strict=False)
  return Column(
    path=path,
    name=values.name,
    values=there,
    rows=len(values),
    distinct=there.n_unique(),
    times=share(_moments(few, numeric).is_not_null()),
    numbers=share(numeric.is_not_null()),
    whole=share(numeric == numeric.floor()),
    words=float(texts.str.split(" ").list.len().sum()) / max(len(few), 1),
  )


def _moments(values: pl.Series, numeric: pl.Series) -> pl.Series:
  """Those of values that are times, null where not. A number is one only if it lies between 1990 and 2100."""
  if len(values) and not (
    values.dtype.is_temporal() or values.dtype.is_numeric() or values.dtype == pl.String
  ):
    return values.clear(len(values))
  found = parsing.times(values)
  years = found.dt.year()
  plausible = years.is_between(1990, 2100)
  large = numeric.is_null() | (numeric > 6e8) | numeric.is_between(19900101, 21001231)
  return found.set(~(plausible & large).fill_null(False), None)
