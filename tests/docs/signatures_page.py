"""docs/signatures.md: what each signature of an export takes and answers, from a real one. Its test stands in tests/line."""

import pathlib
from typing import Any

from tfrec_combo.serving.inspect import inspect

HEAD = """# Signatures

Every tensor is dense, of the type and shape below; B is the requests of a batch. An inner dimension is that of the setting
named in its place, fixed when a model is exported: shorter lists are filled up with `""` and 0. Ids are strings; those that the
catalogue does not have are ignored. Optional inputs may be left out over gRPC, and over REST where `tfrec-combo serve` answers.
`tfrec-combo inspect DIR` prints the same of any SavedModel, with its sizes.
"""
TITLES = {
  "recommend": "The next products for a shopper. `serving_default` is the same.",
  "complete_basket": "Products that go with the basket, and why.",
  "combine": "Whole sets under a request's wishes.",
  "rank_bundles": "Scores of ready-made sets that the request brings.",
  "recommend_bundles": "The shop's own ready-made bundles, ranked; where the log says who took which.",
  "embed_products": "Vectors of products, new ones too.",
  "embed_queries": "Vectors of requests, whose inner product with those of products is the retrieval's score.",
}
HISTORY, BASKET, SETS = ("export.history",), ("export.basket",), ("combine.sets", "combine.size")
MANY, TAKEN = ("export.ready_made", "export.ready_made_size"), ("export.bundle_history",)
# Name -> (settings of its inner dimensions, or several where they differ by signature; what it is).
INPUTS: dict[str, tuple[Any, str]] = {
  "history_ids": (HISTORY, "products bought before, newest first"),
  "history_days": (HISTORY, "days ago of each, 0 where unknown"),
  "basket_ids": (BASKET, "products in the basket"),
  "query": ((), "what is looked for, in words"),
  "context": ((), "a tag of the log, such as a store"),
  "exclude_ids": (("export.exclude",), "not to be answered"),
  "exclude_bundle_ids": (("export.exclude",), "bundles not to be answered"),
  "diversity": ((), "0 to 1: fit given up for products unlike each other; usually `rerank.diversity`"),
  "novelty": ((), "0 to 1: fit given up for less popular ones; usually `rerank.novelty`"),
  "size_min": ((), "products of a set, at least"),
  "size_max": ((), "products of a set, at most"),
  "budget": ((), "the most a set may cost; 0: any"),
  "must_include_ids": (("combine.size",), "products of every set"),
  "one_per_category": (
    (),
    "levels of the category path that a set may hold once; 0: no such rule",
  ),
  "allowed_categories": (("export.categories",), "paths; only products below one of them"),
  "in_stock_ids": (("export.in_stock",), "only these products; all empty: any"),
  "set_ids": (MANY, "the sets to score"),
  "bundle_history_ids": (TAKEN, "bundles taken before, newest first"),
  "text": ((), "the product's text"),
  "category": ((), "its path, ` > ` between levels"),
  "price": ((), "0: unknown"),
}
K = ("export.k",)
OUTPUTS: dict[str, tuple[Any, str]] = {
  "product_ids": (K, 'best first, `""` where nothing is left'),
  "scores": ((K, K), "of each, higher is better; of one request comparable, of two not"),
  "prices": (K, "of each, 0 where unknown"),
  "goes_with_ids": ((K, SETS), "what of the request, or of the set, each goes with"),
  "bought_together": ((K, SETS), "orders that hold both"),
  "reasons": ((K, SETS), "`asked`, `basket`, `query`, `again`, `history`, `set` or `popular`"),
  "set_ids": (SETS, "members, best set first"),
  "set_prices": (SETS, "of each member"),
  "set_scores": ((("combine.sets",), ("export.ready_made",)), "of each set; of both signatures on one scale"),
  "totals": ((("combine.sets",), ("export.ready_made",)), "known prices of a set, summed"),
  "contributions": ((SETS, MANY), "what each member adds to the score of its set"),
  "status": ((), "`ok`, or what stands in the way: `size`, `must_include`, `budget`, `too_few_products`"),
  "unknown": (
    (("export.ready_made",),),
    "members of each set that add nothing: not in the catalogue, in the basket or excluded",
  ),
  "bundle_ids": (K, 'best first, `""` where nothing is left'),
  "vectors": (("towers.dim",), "of length 1"),
}


def page(version: pathlib.Path) -> str:
  """The page as Markdown, of an export that has every signature.

  Raises:
    KeyError, ValueError: the export has a signature or a tensor that is not described here, or of another shape.
  """
  found = inspect(version)
  config = (found.manifest or {})["config"]
  parts = [HEAD]
  for name, title in TITLES.items():
    sides = found.signatures[name]
    parts.append(f"## {name}\n\n{title}\n\n{_rows(sides['inputs'], INPUTS, config, 'input')}")
    parts.append(_rows(sides["outputs"], OUTPUTS, config, "output"))
  unsaid = set(found.signatures) - set(TITLES) - {"serving_default"}
  if unsaid or found.signatures["serving_default"] != found.signatures["recommend"]:
    raise ValueError(f"signatures that are not described: {unsaid or 'serving_default'}")
  return "\n".join(parts)


def _rows(tensors: dict[str, str], told: dict, config: dict, side: str) -> str:
  lines = [f"| {side} | type | shape | what it is |", "| --- | --- | --- | --- |"]
  for name, words in tensors.items():
    kind, _, shape = words.partition(" [")
    sizes = [int(n) for n in shape.partition("]")[0].split(", ")[1:]]
    dims = _dims(name, told[name][0], sizes, config)
    optional = "optional; " if "left out" in words else ""
    lines.append(f"| `{name}` | {kind} | [{', '.join(['B', *dims])}] | {optional}{told[name][1]} |")
  return "\n".join(lines) + "\n"


def _dims(name: str, wanted: Any, sizes: list[int], config: dict) -> list[str]:
  """The settings that fix the inner dimensions; of several choices the one that fits."""
  choices = wanted if wanted and isinstance(wanted[0], tuple) else [wanted]
  for choice in choices:
    if len(choice) == len(sizes) and all(_value(key, config) == n for key, n in zip(choice, sizes)):
      return [f"`{key}`" for key in choice]
  raise ValueError(f"{name} has inner dimensions {sizes}, not of {choices}")


def _value(key: str, config: dict) -> int:
  section, _, name = key.partition(".")
  return config[section][name]
