"""python -m benchmarks.index --products 1000000 --out index.json: three indexes over the same clustered vectors, in one run.

All are asked as compiled graphs, one query at a time, one thread, in turns. What is compared are ratios; the milliseconds are
those of the machine as it was.
"""

import argparse
import json
import pathlib
import time
from typing import Any

import numpy as np

from tfrec_combo.base.stack import tf
from tfrec_combo.retrieval import autopilot
from tfrec_combo.retrieval.index import ExactIndex
from tfrec_combo.retrieval.portable import PortableIndex
from tfrec_combo.retrieval.scann import ScannIndex

K = 100
BLOCK = 25
PER_CLUSTER = 200  # vectors of a cluster, on average
SPREAD = 0.08  # deviation of each number from its cluster's centre, which has length 1


def clustered(count: int, dim: int, clusters: int, seed: int) -> np.ndarray:
  """Unit vectors [count, dim] around the same centres for every seed."""
  centres = np.random.default_rng(0).normal(size=[clusters, dim])
  centres /= np.linalg.norm(centres, axis=1, keepdims=True)
  rng = np.random.default_rng(seed)
  values = centres[rng.integers(0, clusters, count)] + SPREAD * rng.normal(size=[count, dim])
  return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def compare(products: int, dim: int, target: float, asked: int) -> dict[str, Any]:
  """Recall and milliseconds of each index; portable and ScaNN at the setting that the autopilot gives them."""
  clusters = max(1, products // PER_CLUSTER)
  vectors, ids = clustered(products, dim, clusters, 1), [str(i) for i in range(products)]
  held_out, queries = clustered(200, dim, clusters, 2), clustered(asked, dim, clusters, 3)
  best = autopilot.exact(vectors, queries, K)
  found: dict[str, Any] = {
    "products": products,
    "dim": dim,
    "k": K,
    "target": target,
    "queries": asked,
    "indexes": {},
  }
  indexes: dict[str, Any] = {"exact": lambda: ExactIndex().build(vectors, ids)}
  makers = {"portable": lambda n: PortableIndex(1, n), "scann": lambda n: ScannIndex(leaves=n)}
  for name, make in makers.items():
    indexes[name] = lambda make=make: autopilot.tune(make, vectors, ids, held_out, K, target).index
  searches = {}
  for name, build in indexes.items():
    start = time.perf_counter()
    index = build()
    found["indexes"][name] = index.describe() | {"seconds to build": round(time.perf_counter() - start, 1)}
    searches[name] = tf.function(
      lambda q, index=index: index.search(q, K)[1], autograph=False
    ).get_concrete_function(tf.TensorSpec([None, dim], tf.float32))
  times: dict[str, list[float]] = {name: [] for name in searches}
  hits: dict[str, list[float]] = {name: [] for name in searches}
  for search in searches.values():
    search(tf.constant(queries[:1]))
  # In turns of BLOCK queries, so that whatever else the machine does falls on all; one by one the exact product, which reads
  # every vector, would empty the caches that an index has to itself where it is served.
  for start in range(0, len(queries), BLOCK):
    for name, search in searches.items():
      for query, wanted in zip(queries[start : start + BLOCK], best[start : start + BLOCK]):
        one = tf.constant(query[None])
        begun = time.perf_counter()
        rows = search(one).numpy()
        times[name].append(1e3 * (time.perf_counter() - begun))
        hits[name].append(len(np.intersect1d(rows, wanted)) / K)
  for name, told in found["indexes"].items():
    told["recall"] = round(float(np.mean(hits[name])), 4)
    told["ms"] = {
      p: round(float(np.percentile(times[name], q)), 3) for p, q in (("p10", 10), ("p50", 50), ("p99", 99))
    }
    told["times faster than exact"] = round(float(np.median(times["exact"]) / np.median(times[name])), 1)
  return found


def main() -> None:
  """Writes what was found as JSON, and prints it."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--products", type=int, default=1_000_000)
  parser.add_argument("--dim", type=int, default=64)
  parser.add_argument("--target", type=float, default=0.96)
  parser.add_argument("--queries", type=int, default=300)
  parser.add_argument("--out", type=pathlib.Path)
  options = parser.parse_args()
  tf.config.threading.set_intra_op_parallelism_threads(1)
  tf.config.threading.set_inter_op_parallelism_threads(1)
  found = compare(options.products, options.dim, options.target, options.queries)
  text = json.dumps(found, indent=2)
  print(text)
  if options.out:
    options.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
  main()
