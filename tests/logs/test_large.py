"""The large shop: its laws hold, its structure is there to be learnt, and chunks do not grow with it."""

import numpy as np
import polars as pl
import pytest

from tfrec_combo.base import config as c
from tfrec_combo.base import files
from tfrec_combo.logs import large, large_files, sources

SIZE = large.Size(products=4000, lines=200_000, shoppers=3000, days=730)


@pytest.fixture(scope="module")
def world():
  return large.World(SIZE, seed=3)


@pytest.fixture(scope="module")
def log(world):
  return pl.concat(world.events()).with_columns(
    pl.col("user_id", "product_id").str.slice(1).cast(pl.Int64).name.map(lambda n: n.removesuffix("_id"))
  )


def test_a_seed_gives_the_same_shop_and_another_another(log):
  first = next(large.World(SIZE, 3).events())
  assert first.equals(log.head(len(first)).select(first.columns))
  assert not next(large.World(SIZE, 4).events()).equals(first)


def test_counts_are_as_asked(world, log):
  assert log.height == SIZE.lines
  products = pl.concat(world.products())
  assert products.height == products["product_id"].n_unique() == SIZE.products
  assert set(log["product_id"]) <= set(products["product_id"])
  assert products["price"].min() > 0
  orders = log.group_by("order_id").agg(pl.len(), pl.col("user").n_unique(), pl.col("timestamp").n_unique())
  assert orders["user"].max() == orders["timestamp"].max() == 1
  assert abs(orders["len"].mean() - SIZE.order) < 0.05
  assert log["timestamp"].is_sorted()
  assert (log["timestamp"].max() - large.START).days == SIZE.days - 1


@pytest.mark.parametrize("column", ["user", "product"])
def test_popularity_has_the_tail_of_its_law(column, log):
  """Counts over ranks, on logarithmic scales: a line through ranks far beyond the shift has the exponent as its slope."""
  exponent = {"user": SIZE.shopper_exponent, "product": SIZE.product_exponent}[column]
  # An order counts once for its shopper; of products, first lines are drawn by popularity alone.
  found = (
    log.unique("order_id", keep="first", maintain_order=True)[column]
    .value_counts(sort=True)["count"]
    .to_numpy()
  )
  rank = np.arange(1, len(found) + 1) + SIZE.shift
  window = slice(5, 300)
  slope = np.polyfit(np.log(rank[window]), np.log(found[window]), 1)[0]
  assert abs(slope + exponent) < 0.08


def test_a_week_and_a_year_have_their_seasons(log):
  days = log.unique("order_id")["timestamp"]
  week = days.dt.weekday().value_counts().sort("timestamp")["count"].to_numpy()
  np.testing.assert_allclose(week / week.sum(), np.array(large.WEEK) / sum(large.WEEK), rtol=0.06)
  month = days.dt.month().value_counts().sort("timestamp")["count"].to_numpy()
  assert np.argmax(month) == 11
  assert np.argmin(month) in (4, 5)
  swing = (month.max() - month.min()) / (month.max() + month.min())
  assert abs(swing - large.YEAR) < 0.05


def test_orders_hold_families_as_often_as_asked(log):
  firsts = log.group_by("order_id", maintain_order=True).agg(first=pl.col("product").first())
  later = log.join(firsts, on="order_id").filter(~pl.col("order_id").is_first_distinct())
  same = (later["product"] // large.FAMILY == later["first"] // large.FAMILY).mean()
  assert abs(same - SIZE.together) < 0.02  # a few more by chance


def test_favourites_come_back_as_often_as_asked(world, log):
  own = lambda users: np.stack(
    [world.favourites(users, np.full(len(users), which)) for which in range(large.FAVOURITES)], 1
  )
  users, products = log["user"].to_numpy(), log["product"].to_numpy()
  share = (own(users) == products[:, None]).any(1).mean()
  others = (
    (own(np.roll(users, 1009)) == products[:, None]).any(1).mean()
  )  # what favourites of anyone else would be
  assert abs(share - others - SIZE.again) < 0.02


def test_chunks_do_not_grow_with_the_shop(monkeypatch):
  monkeypatch.setattr(large, "CHUNK", 500)
  longest = {}
  for lines in (20_000, 80_000):
    chunks = list(large.World(large.Size(1000, lines, 300, 30)).events())
    assert sum(map(len, chunks)) == lines
    longest[lines] = max(map(len, chunks))
    assert [len(chunk["order_id"].unique()) for chunk in chunks[:-1]] == [500] * (len(chunks) - 1)
  assert longest[80_000] < 1.1 * longest[20_000]
  assert max(len(chunk) for chunk in large.World(large.Size(1001, 10, 3, 3)).products()) == 500


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_the_files_read_clean_with_their_config(suffix, tmp_path, monkeypatch):
  monkeypatch.setattr(large, "CHUNK", 300)
  world = large.World(large.Size(1000, 3000, 100, 200), seed=1)
  calls = []
  path = large_files.write(world, tmp_path / "shop", suffix, lambda *call: calls.append(call))
  found = sources.read(c.load(path))
  assert found.events.select("user_id", "product_id").equals(
    pl.concat(world.events()).select("user_id", "product_id")
  )
  assert found.events["timestamp"].equals(pl.concat(world.events())["timestamp"])
  assert found.products["text"].to_list() == pl.concat(world.products())["title"].to_list()
  assert calls[-1] == (3000, 3000)
  first = files.checksums(tmp_path / "shop")
  large_files.write(world, tmp_path / "again", suffix)
  assert files.checksums(tmp_path / "again") == first


def test_a_shop_without_products_is_refused():
  with pytest.raises(ValueError, match="needs 8 products"):
    large.World(large.Size(products=3))
