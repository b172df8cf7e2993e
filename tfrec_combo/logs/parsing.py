"""What stands in a cell -> a time, a number, a category path, a text; null where it is none."""

import html
from collections.abc import Sequence

import polars as pl

from tfrec_combo.logs import shop

_WRITTEN = (
  "%Y-%m-%d %H:%M:%S%.f",
  "%Y-%m-%dT%H:%M:%S%.f",
  "%Y-%m-%d",
  "%Y-%m-%dT%H:%M:%S%.f%#z",  # with a zone: Z, +02, +0200 or +02:00; polars turns it into UTC
  "%Y-%m-%d %H:%M:%S%.f%#z",
  "%Y-%m-%dT%H:%M",
  "%Y-%m-%d %H:%M",
  # with dots the day stands first wherever dates are written so; with slashes it is anyone's guess, so those are none
  "%d.%m.%Y",
  "%d.%m.%Y %H:%M:%S%.f",
  "%d.%m.%Y %H:%M",
)
# (below, microseconds in one): what a number since 1970 counts, told by its size. Seconds stay below 1e11
# until the year 5138, milliseconds are above it since 1973.
_UNITS = ((1e11, 1e6), (1e14, 1e3), (1e17, 1.0), (1e20, 1e-3))
# 20170131 is that day, and not a moment in August 1970.
_COMPACT_DATES = (19000101, 20991231)
_NUMBER = r"^\d+(\.\d+)?$"
# 3,50 and 1.299,90; a comma before three digits may stand for thousands, so 1,299 is no number.
_DECIMAL_COMMA = r"^[+-]?(\d+|\d{1,3}(\.\d{3})+),\d{1,2}$"
_ENTITY = r"&(#\d+|#[xX][0-9a-fA-F]+|[a-zA-Z]+\d*);"
_LINE_BREAK = r"\s*[\r\n]\s*"
# In "[[A,B, C,D]]" the comma before a space is part of a name: A > B, C > D.
_LEVEL_BREAK = r",(\S)"


def typed(name: str, values: pl.Series) -> pl.Series | None:
  """`values` of the contract's column `name` in its type; None for a column that stays as it was read."""
  if name == "timestamp":
    return times(values)
  if name in ("price", "quantity"):
    return numbers(values)
  if name == "in_stock":
    return truths(values)
  if name == "event":
    return values.str.strip_chars().str.to_lowercase()
  return None


def times(values: pl.Series) -> pl.Series:
  """[n] Datetime("us"), UTC without a zone.

  Understood: ISO 8601 with or without time, seconds, fraction and zone (none: UTC); 31.01.2017 for the date; seconds, milli-,
  micro- or nanoseconds since 1970; 20170131 as a date; the date and time types of Parquet.
  """
  if isinstance(values.dtype, pl.Datetime):
    if values.dtype.time_zone:
      values = values.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return values.dt.cast_time_unit("us")
  if values.dtype == pl.Date:
    return values.cast(pl.Datetime("us"))
  if values.dtype.is_numeric():
    return _epochs(values.cast(pl.Float64))
  values = values.cast(pl.String).str.strip_chars()
  parsed = pl.Series(values.name, [None], dtype=pl.Datetime("us")).new_from_index(0, len(values))
  for pattern in _WRITTEN:
    missing = parsed.is_null() & values.is_not_null()
    if not missing.any():
      return parsed
    found = values.str.to_datetime(pattern, time_unit="us", strict=False).dt.replace_time_zone(None)
    parsed = parsed.zip_with(~missing, found)
  numeric = values.set(~values.str.contains(_NUMBER).fill_null(False), None).cast(pl.Float64)
  return parsed.zip_with(parsed.is_not_null(), _epochs(numeric))


def _epochs(values: pl.Series) -> pl.Series:
  """[n] Float64 numbers as times: compact dates, or seconds and finer units told apart by their size."""
  value = pl.col("value")
  digits = value.cast(pl.Int64, strict=False).cast(pl.String)
  day = digits.str.to_datetime("%Y%m%d", time_unit="us", strict=False)
  micro = pl.coalesce([pl.when(value < below).then(value * scale) for below, scale in _UNITS])
  time = micro.round().cast(pl.Int64, strict=False).cast(pl.Datetime("us"))
  told = pl.when(value.is_between(*_COMPACT_DATES)).then(day).when(value.is_finite()).then(time)
  return values.alias("value").to_frame().select(told.alias(values.name)).to_series()


def numbers(values: pl.Series) -> pl.Series:
  """[n] Float64; texts with a point or, before one or two digits, a comma."""
  if values.dtype != pl.String:
    return values.cast(pl.Float64, strict=False)
  values = values.str.strip_chars()
  found = values.cast(pl.Float64, strict=False)
  other = values.filter(found.is_null()).str.contains(_DECIMAL_COMMA)
  if not other.any():
    return found
  comma = values.str.contains(_DECIMAL_COMMA).fill_null(False)
  point = values.set(~comma, None).str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
  return found.zip_with(~comma, point.cast(pl.Float64))


def truths(values: pl.Series) -> pl.Series:
  """[n] Boolean: words such as true and no, or the number in stock; null for anything else."""
  words = values.cast(pl.String).str.strip_chars().str.to_lowercase()
  count = words.cast(pl.Float64, strict=False)
  said = words.replace_strict({"true": True, "yes": True, "false": False, "no": False}, default=None)
  return said.zip_with(said.is_not_null(), count.set(~count.is_finite().fill_null(False), None) > 0)


def category_path(levels: Sequence[pl.Series]) -> pl.Series:
  """[n] paths "A > B > C", "" where there is none.

  Several columns are the levels, from the widest. In one column three spellings are understood: "A>B>C" with
  or without spaces; a list, "[A,B,C]", with or without quotes round the levels; a list of lists,
  "[[A,B],[C,D]]", as in Amazon's metadata, of which the first counts. Anything else is one level, as it is. A
  line break in a level becomes a space, as a category stands on one line.
  """
  levels = [level.str.strip_chars().str.replace_all(_LINE_BREAK, " ") for level in levels]
  if len(levels) > 1:
    return _joined(levels, shop.CATEGORY_SEPARATOR)
  value = pl.col(levels[0].name).str.strip_chars()
  inner = value.str.extract(r"^\[+\s*([^\]]*?)\s*\]", 1)
  quoted = inner.str.strip_chars("'\"").str.replace_all(r"['\"]\s*,\s*['\"]", ">")
  plain = inner.str.replace_all(_LEVEL_BREAK, ">$1")
  listed = pl.when(inner.str.contains(r"^['\"]")).then(quoted).otherwise(plain)
  path = pl.when(value.str.starts_with("[")).then(listed).otherwise(value)
  names = path.str.split(">").list.eval(pl.element().str.strip_chars())
  names = names.list.eval(pl.element().filter(pl.element() != ""))
  joined = names.list.join(shop.CATEGORY_SEPARATOR).fill_null("")
  return unescaped(levels[0].to_frame().select(joined).to_series())


def text(pieces: Sequence[pl.Series]) -> pl.Series:
  """[n] the pieces with a space between them, without the empty ones; "" where there is none.

  Entities of HTML, as scraped catalogues hold them, become what they stand for: "Men&#39;s" is "Men's".
  """
  return unescaped(_joined(pieces, " "))


def unescaped(values: pl.Series) -> pl.Series:
  """[n] texts with their HTML entities read, twice over: catalogues also hold "&amp;#39;"."""
  marked = values.str.contains(_ENTITY).fill_null(False)
  if not marked.any():
    return values
  distinct = values.filter(marked).unique().to_list()
  read = [" ".join(html.unescape(html.unescape(text)).split()) for text in distinct]
  return values.replace(distinct, read)


def _joined(pieces: Sequence[pl.Series], separator: str) -> pl.Series:
  stripped = pl.DataFrame(pieces).with_columns(pl.all().str.strip_chars())
  filled = stripped.select(pl.when(pl.all() != "").then(pl.all()))
  return filled.select(pl.concat_str(pl.all(), separator=separator, ignore_nulls=True)).to_series()
