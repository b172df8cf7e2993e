"""A shop for the window's tests: the fake model under names that people would read, version 2 turned backwards."""

import pathlib

import numpy as np
import polars as pl

from tests.serving import fake_model
from tfrec_combo.serving.server.config_file import Served
from tfrec_combo.serving.server.storage import Policy

PRODUCTS = [
  ("Spaghetti No. 5, 500 g", "Grocery > Pasta > Long pasta"),
  ("Tomato passata with basil, 690 g", "Grocery > Sauces > Tomato sauces"),
  ("Parmesan, 24 months, 150 g", "Dairy > Cheese > Hard cheese"),
  ("Fresh basil in a pot", "Produce > Herbs > Fresh herbs"),
  ("Extra virgin olive oil, 0.5 l", "Grocery > Oils > Olive oils"),
  ("Rigatoni, 500 g", "Grocery > Pasta > Short pasta"),
  ("Green tea <b>bags</b>, 20 & 'more'", "Grocery > Tea > Green tea"),
  ("铁观音乌龙茶 100 克", "Grocery > Tea > Oolong tea"),
  ("Grissini with rosemary", "Bakery > Crackers > Bread sticks"),
  ("Gift card", "Services > Cards > Gift cards"),
]


def name(product_id: str) -> str:
  """The text of p0 .. p9."""
  return PRODUCTS[int(product_id[1:])][0]


def served(folder: pathlib.Path) -> dict[str, Served]:
  """Writes versions 1 and 2 of `shop`; both are served, labelled stable and canary."""
  for version, backwards in ((1, False), (2, True)):
    fake_model.save(folder / "shop", version, backwards)
    extra = folder / "shop" / str(version) / "assets.extra"
    texts, categories = zip(*PRODUCTS)
    table = {"product_id": fake_model.IDS, "text": texts, "category": categories}
    pl.DataFrame(table | {"price": fake_model.PRICES}).write_parquet(extra / "products.parquet")
    write_golden(extra)
  labels = {"stable": 1, "canary": 2}
  return {"shop": Served("shop", folder / "shop", Policy(latest=None), labels)}


def write_golden(extra: pathlib.Path) -> None:
  """Golden requests of one shopper who bought p7 and p5, and of one of whom nothing is known."""
  bought = fake_model.inputs(2, history_ids=[["p7", "p5", "", ""], ["", "", "", ""]])
  bought["history_days"] = np.array([[2.5, 9, 0, 0], [0, 0, 0, 0]], np.float32)
  arrays = {f"in:{k}": v.astype("S") if v.dtype == object else v for k, v in bought.items()}
  (extra / "golden").mkdir(parents=True, exist_ok=True)
  np.savez(extra / "golden" / "recommend.npz", **arrays)
