"""The shop that the stages of data are measured on, made once and kept."""

import pathlib

from tfrec_combo.base import config as c
from tfrec_combo.logs import large, large_files


def made(work: pathlib.Path, lines: int, products: int, suffix: str = "parquet") -> pathlib.Path:
  """The config of a shop in files below `work`."""
  folder = work / f"shop-{products}-{lines}-{suffix}"
  if not folder.is_dir():
    large_files.write(large.World(large.Size(products, lines, max(1, lines // 20))), folder, suffix)
  return folder / "shop.yaml"


def prepared(work: pathlib.Path, lines: int, products: int) -> c.Config:
  """The config of that shop, its records written."""
  from tfrec_combo.cli import stages

  config = c.load(made(work, lines, products), {"runs": str(work / f"runs-{products}-{lines}")})
  stages.prepare(config)
  return config
