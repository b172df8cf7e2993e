"""`tfrec-combo init` on one shop in the shapes that shops keep their tables in: under other names, split up, joined, nameless."""

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from tfrec_combo.base import config as c
from tfrec_combo.base.errors import DataError
from tfrec_combo.cli import main
from tfrec_combo.logs import columns, proposal, proposed_config, sources
from tfrec_combo.logs.sources.synthetic import synthetic


@pytest.fixture(scope="module")
def shop():
  return synthetic(seed=1, users=60, products=100, orders=900)


def tables(shop):
  """Products with a two-level category, and order lines with a quantity."""
  levels = shop.products["category"].str.split(" > ")
  products = shop.products.select(
    "product_id", pl.col("text").alias("title"), levels.list.get(0).alias("department"),
    levels.list.get(1, null_on_oob=True).alias("aisle"), "price",
  )  # fmt: skip
  events = shop.events.select("user_id", "order_id", "product_id", "timestamp").with_columns(
    quantity=pl.int_range(pl.len()) % 3 + 1, amount=(pl.int_range(pl.len()) % 90 + 10) / 4
  )
  return products, events


def proposed(folder, **frames):
  """The proposal for frames written to files of those names."""
  for name, frame in frames.items():
    frame.write_csv(folder / f"{name}.csv")
  return proposal.propose([columns.look(folder / f"{name}.csv") for name in frames])


def names(found):
  chosen = {**{f"p.{k}": v for k, v in found.product_columns.items()}, **found.event_columns}
  return {name: [c.name for c in cs] for name, cs in chosen.items()}


def test_plain_tables_in_any_order_of_files(shop, tmp_path):
  products, events = tables(shop)
  right = {
    "p.product_id": ["product_id"],
    "p.text": ["title"],
    "p.category": ["department", "aisle"],
    "p.price": ["price"],
    "product_id": ["product_id"],
    "user_id": ["user_id"],
    "order_id": ["order_id"],
    "timestamp": ["timestamp"],
    "quantity": ["quantity"],
    "price": ["amount"],
  }
  assert names(proposed(tmp_path, a=products, b=events)) == right
  assert names(proposed(tmp_path, a=events, b=products)) == right


GERMAN = {
  "product_id": "artikelnr", "title": "bezeichnung", "department": "abteilung", "aisle": "warengruppe", "price": "preis",
  "user_id": "kunde", "order_id": "bestellung", "timestamp": "zeitpunkt", "quantity": "menge", "amount": "preis_gesamt",
}  # fmt: skip


def test_other_names(shop, tmp_path):
  products, events = (t.rename({k: v for k, v in GERMAN.items() if k in t.columns}) for t in tables(shop))
  found = names(proposed(tmp_path, katalog=products, kassenzeilen=events))
  assert {
    name: found[name][0] for name in ("product_id", "user_id", "order_id", "timestamp", "quantity")
  } == {name: GERMAN[name] for name in ("product_id", "user_id", "order_id", "timestamp", "quantity")}
  assert found["p.text"] == ["bezeichnung"]
  assert found["p.category"] == ["abteilung", "warengruppe"]
  assert found["p.price"] == ["preis"]


@pytest.mark.parametrize(("titles", "texts"), [(0.3, ["title"]), (0.05, ["aisle", "department", "title"])])
def test_categories_are_read_as_text_where_titles_are_few(shop, tmp_path, titles, texts):
  products, events = tables(shop)
  distinct = round(titles * len(products))
  products = products.with_columns(
    title=pl.Series([f"good thing {i % distinct}" for i in range(len(products))])
  )
  assert names(proposed(tmp_path, x=products, y=events))["p.text"] == texts


def test_names_that_say_nothing(shop, tmp_path):
  products, events = tables(shop)
  products = products.rename({n: f"c{i}" for i, n in enumerate(products.columns)})
  events = events.drop("quantity", "amount").rename(
    {"user_id": "k1", "order_id": "k2", "product_id": "k3", "timestamp": "k4"}
  )
  found = names(proposed(tmp_path, x=products, y=events))
  assert found["p.product_id"] == ["c0"]
  assert found["p.text"] == ["c1"]
  assert found["p.category"] == ["c2", "c3"]
  assert found["p.price"] == ["c4"]
  assert {n: found[n] for n in ("user_id", "order_id", "product_id", "timestamp")} == {
    "user_id": ["k1"], "order_id": ["k2"], "product_id": ["k3"], "timestamp": ["k4"],
  }  # fmt: skip


def test_of_two_columns_of_fractions_none_is_taken_for_the_price(shop, tmp_path):
  products, events = tables(shop)
  rng = np.random.default_rng(0)
  weights = pl.Series("w", rng.uniform(0.1, 9, len(products)).round(2))
  fine = pl.Series("f", rng.uniform(0.1, 9, len(products)))
  unnamed = products.rename({"price": "n"})
  assert "p.price" not in names(proposed(tmp_path, x=unnamed.with_columns(weights), y=events))
  found = names(proposed(tmp_path, x=unnamed.with_columns(fine), y=events))
  assert found["p.price"] == ["n"], "what has parts of a cent is no money"


def test_years_are_stacked_and_a_second_product_file_is_joined(shop, tmp_path):
  products, events = tables(shop)
  half = len(events) // 2
  found = proposed(
    tmp_path,
    items=products.select("product_id", "title"),
    y2023=events[:half],
    y2024=events[half:],
    more=products.select("product_id", "department", "aisle", "price"),
  )
  assert sorted(f.path.name for f in found.products) == ["items.csv", "more.csv"]
  assert [f.path.name for f in found.events] == ["y2023.csv", "y2024.csv"]
  assert names(found)["p.category"] == ["department", "aisle"]


def test_lines_and_heads_are_joined(shop, tmp_path):
  products, events = tables(shop)
  heads = events.select(
    pl.col("order_id").alias("id"),
    pl.col("user_id").alias("customer"),
    pl.col("timestamp").alias("placed_at"),
  )
  heads = heads.unique("id", maintain_order=True)
  lines = events.select("order_id", pl.col("product_id").alias("sku"), "quantity")
  found = proposed(tmp_path, products=products, order_items=lines, orders=heads)
  assert found.joined is not None
  assert found.joined.on == ("order_id", "id")
  chosen = names(found)
  assert {n: chosen[n] for n in ("user_id", "order_id", "product_id", "timestamp")} == {
    "user_id": ["customer"], "order_id": ["id"], "product_id": ["sku"], "timestamp": ["placed_at"],
  }  # fmt: skip


def test_a_key_that_is_text_in_one_file_and_a_number_in_the_other(tmp_path):
  heads = pl.DataFrame({"id": [7, 8], "customer": ["a", "b"], "at": ["2024-01-01", "2024-01-02"]})
  heads.write_parquet(tmp_path / "heads.parquet")
  (tmp_path / "lines.csv").write_text("order,sku\n7,x\n7,y\n8,x\n")
  found = proposal.Joined([tmp_path / "lines.csv"], [tmp_path / "heads.parquet"], ("order", "id"))
  whole = pl.read_parquet(proposed_config.join(found, tmp_path / "out.parquet"))
  assert whole.select("sku", "customer").rows() == [("x", "a"), ("y", "a"), ("x", "b")]


def run(*options):
  done = CliRunner().invoke(main.app, ["init", *map(str, options)])
  return done.exit_code, done.output


@pytest.mark.parametrize("split", [False, True])
def test_what_is_written_is_read_as_the_same_shop(shop, tmp_path, split):
  products, events = tables(shop)
  products.write_parquet(tmp_path / "products.parquet")
  files = [tmp_path / "products.parquet", tmp_path / "lines.csv"]
  if split:
    heads = events.select("order_id", "user_id", "timestamp").unique("order_id", maintain_order=True)
    heads.write_parquet(tmp_path / "heads.parquet")
    files.append(tmp_path / "heads.parquet")
    events = events.drop("user_id", "timestamp")
  events.write_csv(tmp_path / "lines.csv")
  code, output = run(*files, "--out", tmp_path / "mine.yaml")
  assert code == 0, output
  config = c.load(tmp_path / "mine.yaml")
  assert config.name == "mine"
  read = sources.read(config)
  keys = ("user_id", "order_id", "product_id", "timestamp")
  assert read.events.select(keys).sort(keys).equals(shop.events.select(keys).sort(keys))
  assert read.products["text"].to_list() == shop.products["text"].to_list()
  assert read.products["category"].to_list() == shop.products["category"].to_list()
  code, output = run(*files, "--out", tmp_path / "mine.yaml")
  assert code == DataError.exit_code
  assert "--force" in output
  assert run(*files, "--out", tmp_path / "mine.yaml", "--force")[0] == 0


def test_a_month_a_file_with_semicolons_days_first_and_decimal_commas(shop, tmp_path):
  products, events = tables(shop)
  written = lambda t: events.select(
    fecha=pl.col("timestamp").dt.strftime("%d.%m.%Y"),
    hora=pl.col("timestamp").dt.strftime("%H:%M"),
    num_tkt="order_id",
    cod="user_id",
    cod_art="product_id",
    uds="quantity",
    imp=pl.col("amount").cast(pl.String).str.replace(".", ",", literal=True),
  ).filter(events["timestamp"].dt.month().is_in(t))
  files = [tmp_path / f"{name}.csv" for name in ("art", "m1", "m2", "m3")]
  products.rename({"product_id": "cod_art", "title": "desc_art"}).drop("price").write_csv(
    files[0], separator=";"
  )
  for path, months in zip(files[1:], ((1, 2, 3), (4, 5, 6, 7, 8, 9), (10, 11, 12))):
    written(months).write_csv(path, separator=";")
  code, output = run(*files, "--out", tmp_path / "es.yaml")
  assert code == 0, output
  config = c.load(tmp_path / "es.yaml")
  assert config.split == c.Config().split, "the log of all months is long enough for the usual windows"
  read = sources.read(config)
  keys = ("user_id", "order_id", "product_id")
  assert read.events.select(keys).sort(keys).equals(shop.events.select(keys).sort(keys))
  assert read.events["timestamp"].sort().equals(shop.events["timestamp"].dt.truncate("1d").sort())
  a_product = products["product_id"][0]
  paid = events.filter(product_id=a_product).select(pl.col("amount") / pl.col("quantity")).to_series()
  known = read.products.filter(product_id=a_product)["price"][0]
  assert paid.min() <= known <= paid.max()


def test_a_short_log_gets_short_windows_and_one_without_times_none(shop, tmp_path):
  products, events = tables(shop)
  products.write_csv(tmp_path / "products.csv")
  first = events["timestamp"].min()
  events.filter(pl.col("timestamp") < first + pl.duration(days=40)).write_csv(tmp_path / "e.csv")
  assert run(tmp_path / "products.csv", tmp_path / "e.csv", "--out", tmp_path / "short.yaml")[0] == 0
  split = c.load(tmp_path / "short.yaml").split
  assert 3 <= split.test_days + split.valid_days + split.rank_days <= 21
  events.drop("timestamp").write_csv(tmp_path / "e.csv")
  assert run(tmp_path / "products.csv", tmp_path / "e.csv", "--out", tmp_path / "timeless.yaml")[0] == 0
  assert c.load(tmp_path / "timeless.yaml").data.events.columns["timestamp"] == ()


def test_files_that_are_no_shop_are_told(shop, tmp_path):
  products, events = tables(shop)
  with pytest.raises(DataError, match="must hold a catalogue"):
    proposed(tmp_path, events=events)
  with pytest.raises(DataError, match="must hold a catalogue"):
    proposed(
      tmp_path, products=products, events=events.with_columns(product_id=pl.lit("x") + pl.col("product_id"))
    )
  with pytest.raises(DataError, match="must end in one of"):
    columns.look(tmp_path / "orders.xlsx")
  with pytest.raises(DataError, match="must be a file"):
    columns.look(tmp_path / "none.csv")


@pytest.mark.parametrize(
  ("values", "is_time"),
  [
    (["2024-01-02", "2024-02-03"], True),
    (["2024-01-02T10:00:00Z", "2024-02-03T11:30:00Z"], True),
    ([1704103200, 1704189600], True),
    ([1704103200000, 1704189600000], True),
    ([20240102, 20240203], True),
    ([12.5, 13.0], False),
    ([1082185, 9527160], False),  # product numbers
    (["a", "b"], False),
    ([1, 2], False),
  ],
)
def test_times_are_told_from_numbers(tmp_path, values, is_time):
  pl.DataFrame({"x": values}).write_csv(tmp_path / "x.csv")
  assert columns.look(tmp_path / "x.csv").column("x").is_time == is_time
