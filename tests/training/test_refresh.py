"""A trained model over the products of today: what is new, withdrawn, out of stock or dearer."""

import dataclasses
import pathlib
import shutil

import numpy as np
import polars as pl
import pytest

from tests import makers
from tests.small_disk import filled, small_disk
from tests.training import small
from tfrec_combo.base.errors import DataError, ModelError
from tfrec_combo.base.stack import tf
from tfrec_combo.cli import reindexing, stages
from tfrec_combo.export import exporter
from tfrec_combo.logs.sources import feed
from tfrec_combo.serving import model
from tfrec_combo.training import refresh


def table(rows):
  return pl.DataFrame(rows, schema=feed.COLUMNS, orient="row")


def test_old_products_keep_their_rows_and_what_the_table_does_not_say():
  old = makers.catalogue(4, blocks=2)
  new = refresh.merged(
    old,
    table([
      ("p3", None, None, 9.5, None),
      ("new", "a text", "All > 1 > deeper", None, True),
      ("p0", "other", None, None, False),
      ("p1", None, "All > none such", None, True),
    ]),
  )  # fmt: skip
  assert new.ids == ["p0", "p1", "p2", "p3", "new"]
  assert new.texts == ["other", "text 1", "text 2", "text 3", "a text"]
  assert new.prices.tolist() == [1, 2, 3, 9.5, 0]
  assert new.offered.tolist() == [False, True, False, True, True]
  assert new.withdrawn == {"p0", "p2"}
  names = [[new.category_names[c] for c in row if c] for row in new.categories]
  assert names[1] == ["All"], "a category that was not learnt falls to its ancestor"
  assert names[3] == names[4] == ["All", "All > 1"]
  assert (new.orders[4], new.train_orders[4]) == (0, 0)
  assert old.offered is None
  assert old.texts[0] == "text 0"


def test_old_vectors_stay_and_new_ones_are_those_of_their_words():
  old_shop = makers.catalogue(6, blocks=2)
  # Dearer on the whole: the scale of prices is that of the learning all the same.
  new_shop = dataclasses.replace(refresh.merged(old_shop, table([("new", "t", "All > 1", 700.0, None)])))
  old, new = makers.two_tower(old_shop, seed=3), makers.two_tower(new_shop, seed=4)
  new.texts.products.assign(
    np.concatenate([old.texts.products.numpy(), makers.unit(1, makers.WIDTH, seed=9)])
  )
  before = old.encode_catalogue()
  after = refresh.transplanted(old, new).encode_catalogue()
  np.testing.assert_allclose(after[:6], before, atol=1e-6)
  words = old.product_tower.embed_new(
    new.texts.products[6:], new_shop.categories[6:], np.array([700], np.float32)
  )
  np.testing.assert_allclose(after[6:], words, atol=1e-6)


def test_what_is_not_offered_is_never_a_candidate_and_still_speaks_for_others():
  shop = makers.catalogue(12, blocks=2)
  ranker = makers.ranker(shop, makers.block_orders(40, 2, 6, 3))
  offered = np.ones(12, bool)
  offered[[1, 7]] = False
  asked = makers.request([[0], [], [1]])
  before = ranker.rank(asked)[0].numpy()
  assert {1, 7} <= set(before.ravel().tolist())
  ranker.candidates.offer(offered)
  after = ranker.rank(asked)[0].numpy()
  assert not {1, 7} & set(after.ravel().tolist())
  kept = [[row for row in one if row not in (1, 7)] for one in before[[0, 2]].tolist()]
  assert [one[: len(k)] for one, k in zip(after[[0, 2]].tolist(), kept)] == kept


def write(folder: pathlib.Path, rows, columns=("product_id", "text", "category", "price", "in_stock")):
  path = folder / "today.csv"
  pl.DataFrame(rows, schema=columns, orient="row", strict=False).write_csv(path)
  return path


def test_a_feed_is_read_by_the_contract(workshop, tmp_path):
  config = workshop.config()
  path = write(
    tmp_path, [("p1", "12.5", "yes"), ("p2", "", "0"), ("p3", "1", "")], ("product_id", "price", "in_stock")
  )
  rows = feed.read(path, config).rows()
  assert rows == [
    ("p1", None, None, 12.5, True),
    ("p2", None, None, None, False),
    ("p3", None, None, 1, None),
  ]
  broken = write(tmp_path, [("p1", "dear", "maybe"), ("p1", "1", "1")], ("product_id", "price", "in_stock"))
  with pytest.raises(DataError) as told:
    feed.read(broken, config)
  for words in ("must be a number", "must be true, false, or the number in stock", "must be unique"):
    assert words in str(told.value)


@pytest.fixture(scope="module")
def shop(trained, tmp_path_factory):
  """A config whose first version is exported, and its products. The last test of the module adds versions."""
  config = trained[0]
  folder = str(tmp_path_factory.mktemp("refreshed"))
  config = config.model_copy(update={"export": config.export.model_copy(update={"folder": folder})})
  with pytest.MonkeyPatch.context() as patched:
    small.signatures_only(patched.setattr, (*small.VECTORS, "recommend"))
    small.replayed_here(patched.setattr)
    yield config, stages.export(config), pl.read_csv(config.data.products.path[0])


def answered(version, basket=""):
  with model.load(version) as served:
    asked = {
      n: np.full([1, *s.shape[1:]], "", object) for n, s in served.signature("recommend").inputs.items()
    }
    for name, spec in served.signature("recommend").inputs.items():
      if spec.dtype != object:
        asked[name] = np.zeros([1, *spec.shape[1:]], spec.dtype)
    asked["basket_ids"][0, 0] = basket
    return served.predict("recommend", asked)


def test_a_version_that_answers_too_differently_is_held_back(shop, tmp_path):
  config, first, products = shop
  rows = products.select("product_id", "text", "price").rows()
  texts = [text for _, text, _ in rows]
  # Each text another product's, and most of them new under other ids.
  path = write(tmp_path, [(f"x{p}", texts[-i], None, price, 1) for i, (p, _, price) in enumerate(rows[1:])]
    + [(p, None, None, price, 1) for p, _, price in rows])  # fmt: skip
  with pytest.raises(ModelError, match=r"must keep 100% of what whole/1 answers .*--least-overlap"):
    reindexing.reindex(config, path, least=1.0)
  assert exporter.versions(first.parent) == [1]
  assert [p.name for p in first.parent.iterdir()] == ["1"]


def test_a_full_disk_leaves_the_old_version_alone(shop, tmp_path):
  config, first, products = shop
  path = write(
    tmp_path, products.select("product_id", "text", "price").rows()[1:], ("product_id", "text", "price")
  )
  (tmp_path / "disk").mkdir()
  with small_disk(tmp_path / "disk", 64) as disk:
    copied = shutil.copytree(first, disk / first.parent.name / "1")
    size = sum(f.stat().st_size for f in copied.rglob("*"))
    config = config.model_copy(update={"export": config.export.model_copy(update={"folder": str(disk)})})
    with (
      filled(disk, size // 20),
      pytest.raises(OSError, match="No space left on device; nothing of it was kept"),
    ):
      reindexing.reindex(config, path, least=0.0)
    assert [p.name for p in copied.parent.iterdir()] == ["1"]
    assert answered(copied)["product_ids"].tolist() == answered(first)["product_ids"].tolist()


def test_a_new_version_of_todays_products_without_training(shop, tmp_path):
  config, first, products = shop
  before = [i.decode() for i in answered(first)["product_ids"][0]]
  out, gone, dear = before[0], before[1], before[2]
  rows = [
    (p, text, None, 77.25 if p == dear else price, "no" if p == out else "yes")
    for p, text, price in products.select("product_id", "text", "price").rows()
    if p != gone
  ]
  path = write(tmp_path, [*rows, ("fresh", rows[0][1], None, 3, "5")])
  (version,) = reindexing.reindex(config, path, least=0.5)
  assert version.name == "2"
  after = answered(version)
  ids = [i.decode() for i in after["product_ids"][0]]
  assert not {out, gone} & set(ids)
  assert after["prices"][0][ids.index(dear)] == np.float32(77.25)
  assert ids[: ids.index(dear) + 1] == [dear], "the others keep their order"
  table = pl.read_parquet(version / "assets.extra" / "products.parquet")
  stock = dict(table.select("product_id", "in_stock").rows())
  assert (stock["fresh"], stock[out], stock[gone], len(stock)) == (True, False, False, len(products) + 1)
  assert reindexing.reindex(config, path) == [version], "nothing changed"

  # A feed of changes alone: out comes back, everything else stays as it is now.
  changes = write(tmp_path, [(out, "1")], ("product_id", "in_stock"))
  (third,) = reindexing.reindex(config, changes, update=True, least=0.5)
  again = answered(third)
  assert [i.decode() for i in again["product_ids"][0]][:2] == [out, dear]
  assert again["prices"][0][1] == np.float32(77.25)


def test_without_a_version_it_says_what_to_run(trained, tmp_path):
  config = trained[0]
  config = config.model_copy(
    update={"export": config.export.model_copy(update={"folder": str(tmp_path / "none")})}
  )
  with pytest.raises(ModelError, match=r"must hold a version to start from.*tfrec-combo export"):
    reindexing.reindex(config, write(tmp_path, [("p1", "1")], ("product_id", "price")))
  assert tf.executing_eagerly()
