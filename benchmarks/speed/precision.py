"""Half precision beside float32: how good the towers become in as many steps. No claim about speed on a CPU."""

import pathlib
import time

import numpy as np

from benchmarks.speed import households, learning
from benchmarks.speed.rows import Row
from tfrec_combo.base.stack import tf
from tfrec_combo.training import assemble

SEEDS = (0, 1, 2)
POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")


def measure(work: pathlib.Path, quick: bool) -> list[Row]:
  """NDCG@10 of held-out orders behind the last of 400 steps (quick: 150), of the same seeds and batches."""
  run = households.run(work, True)  # the small shop: what is asked is whether they learn alike
  towers, _, products = assemble.two_tower(run)
  held_out, steps = learning.HeldOut(run), 150 if quick else 400
  found: dict[str, list[float]] = {policy: [] for policy in POLICIES}
  seconds: dict[str, list[float]] = {policy: [] for policy in POLICIES}
  for seed in SEEDS:
    for policy in POLICIES:
      tf.keras.mixed_precision.set_global_policy(policy)
      model = learning.towers_of(run, towers.texts, products, seed)
      start = time.perf_counter()
      learning.learn(run, model, seed, count=steps)
      seconds[policy].append(time.perf_counter() - start)
      found[policy].append(held_out.ndcg(model, model.encode_catalogue()))
  tf.keras.mixed_precision.set_global_policy("float32")
  whole, rows = np.mean(found["float32"]), []
  for policy in POLICIES[1:]:
    ratios = np.array(found[policy]) / found["float32"]
    note = (
      f"NDCG@10 of {len(held_out.asked):,} held-out orders after {steps} steps, means over the seeds {SEEDS}; float32 "
      f"{', '.join(f'{v:.4f}' for v in found['float32'])}; {policy} {', '.join(f'{v:.4f}' for v in found[policy])}. "
      f"Seconds of training {np.median(seconds[policy]):.1f} against {np.median(seconds['float32']):.1f}."
    )
    mean = float(np.mean(found[policy]))
    rows.append(
      Row(f"learning in {policy}", "float32", mean, float(whole), "NDCG@10", mean / float(whole), 0.99,
          repeats=len(SEEDS), note=note, low=float(ratios.min()), high=float(ratios.max()))
    )  # fmt: skip
  return rows
