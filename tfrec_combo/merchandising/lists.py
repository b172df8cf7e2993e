"""What merchandisers decided: files of products that are accepted, banned or pinned."""

import csv
import os
from collections.abc import Mapping

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.merchandising.mine import Bundle


def read(
  path: str | os.PathLike[str], argument: str, rows: Mapping[str, int], least: int = 1
) -> list[Bundle]:
  """One entry a line: product ids with commas between them, as the column `products` of a proposal has them.

  An id with a comma stands in double quotes. Empty lines and lines that start with # are passed over.

  Args:
    argument: what the file is called in a fault. rows: id -> row of the catalogue. least: products of an entry.

  Raises:
    DataError: the file cannot be read, an id is not in the catalogue, or an entry is too short or repeats a product.
  """
  try:
    with open(path, encoding="utf-8-sig", newline="") as f:
      lines = [
        (n, line) for n, line in enumerate(f.read().splitlines(), 1) if line.strip() and line[0] != "#"
      ]
  except (OSError, UnicodeDecodeError) as e:
    way_out = getattr(e, "strerror", None) or "write it as UTF-8"
    raise DataError(fault(argument, "must name a file that can be read", str(path), way_out)) from None
  found: dict[Bundle, None] = {}
  for number, line in lines:
    where = f"{argument} {path} line {number}"
    ids = [part.strip() for part in next(csv.reader([line], skipinitialspace=True)) if part.strip()]
    for product in ids:
      if product not in rows:
        raise DataError(fault(where, "must hold products of the catalogue", product, "take the line out"))
    if len(ids) < least or len(set(ids)) != len(ids):
      rule = f"must hold {least} or more different products"
      raise DataError(fault(where, rule, line, "write their ids with commas between them"))
    found[tuple(sorted(rows[i] for i in ids))] = None
  return list(found)
