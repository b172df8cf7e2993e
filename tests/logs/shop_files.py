"""Small tables written as a user would have them, and read through the source `tables`."""

import polars as pl

from tfrec_combo.base import config
from tfrec_combo.logs import sources

PRODUCTS = "product_id,title,category,price\np1,tent,Outdoor > Tents,99.5\np2,stove,Outdoor,20\np3,lamp,,\n"
EVENTS = (
  "user_id,order_id,product_id,timestamp,event\n"
  "u1,o1,p1,2024-01-02T10:00:00,purchase\n"
  "u1,o1,p2,2024-01-02T10:00:00,purchase\n"
  "u2,o2,p3,2024-01-01,view\n"
)
BUNDLES = "bundle_id,product_id\nb1,p1\nb1,p2\n"
INTENTS = "bundle_id,text\nb1,a weekend outside\n"


def data(folder, tables, **settings):
  """Settings of the source `tables`; `tables`: table -> file in `folder`, or what a `config.Table` holds."""
  values = {}
  for name, spec in tables.items():
    spec = spec if isinstance(spec, dict) else {"path": spec}
    paths = [spec["path"]] if isinstance(spec["path"], str) else spec["path"]
    values[name] = spec | {"path": tuple(str(folder / p) for p in paths)}
  return {"data": {"source": "tables", **values, **settings}}


def read(folder, tables, summary_path=None, split=None, **settings):
  """The shop in the files of `folder`."""
  return sources.read(config.parse(data(folder, tables, **settings) | {"split": split or {}}), summary_path)


def written(folder, **texts):
  """Writes `<table>.csv` a table and names the files."""
  for name, text in texts.items():
    (folder / f"{name}.csv").write_text(text, encoding="utf-8")
  return {name: f"{name}.csv" for name in texts}


def write(frame: pl.DataFrame, path):
  """Writes `frame` in the format of the suffix."""
  {".csv": frame.write_csv, ".jsonl": frame.write_ndjson, ".parquet": frame.write_parquet}[path.suffix](path)
