"""BERT encoding of a catalogue's texts: from texts to vectors, tokenizing and compiling with it."""

import json
import os
import pathlib
import subprocess

import numpy as np
import polars as pl

from benchmarks.speed import ceilings
from benchmarks.speed.rows import Row, compared, in_turns
from tfrec_combo.base import presets
from tfrec_combo.base.settings import Text
from tfrec_combo.base.stack import tf
from tfrec_combo.logs.sources import complete_journey
from tfrec_combo.towers.text import TextTower
from tfrec_combo.towers.text_cache import encode_all

PEER = "sentence-transformers"


def measure(work: pathlib.Path, quick: bool) -> list[Row]:
  """Distinct texts of Complete Journey's catalogue, so that ours wins nothing by encoding each once."""
  frame = pl.read_parquet(complete_journey.data_folder() / "products.parquet")
  distinct = sorted(set(complete_journey.texts(frame.filter(pl.col("product_type").is_not_null()))))
  count = 2_048 if quick else 8_192
  texts = np.random.default_rng(0).permutation(np.array(distinct, object))[:count].tolist()
  tower = TextTower(Text())
  floor, tokens = _floor(tower, texts)
  ways = {"ours": lambda: encode_all(tower, texts, None)}
  note = (
    f"{len(texts):,} distinct texts, {tokens / len(texts):.1f} tokens each; {tower.config.preset} in float32, texts to unit "
    f"vectors, ours with what XLA takes to compile."
  )
  asked = os.environ.get("TFREC_COMBO_BENCH_PEER")
  if not asked:
    note += f" The peer is absent: name an interpreter that has it with --{PEER}."
    taken = in_turns(ways)
    return [compared("encode", PEER, taken["ours"], floor=floor, note=note)]
  with _peer(asked, work, texts, tower) as peer:
    found: dict = {}

    def theirs() -> None:
      print("encode", file=peer.stdin, flush=True)
      found.update(json.loads(peer.stdout.readline()))

    taken = in_turns(ways | {"peer": theirs})
    peer.stdin.close()
  cosines = (np.load(work / "texts.json.npy") * encode_all(tower, texts, None)).sum(axis=1)
  if cosines.min() < 0.999:
    raise RuntimeError(f"ours and the peer do not encode the same: cosine {cosines.min():.4f}")
  note += f" {PEER} {found['version']}, torch {found['torch']}; least cosine of both {cosines.min():.5f}."
  return [compared("encode", PEER, taken["ours"], taken["peer"], wanted=2, floor=floor, note=note)]


def _peer(python: str, work: pathlib.Path, texts: list[str], tower: TextTower) -> subprocess.Popen:
  (work / "texts.json").write_text(json.dumps(texts), encoding="utf-8")
  script = str(pathlib.Path(__file__).with_name("sentences.py"))
  folder, threads = presets.resolve(tower.config.preset), str(ceilings.threads())
  environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"HF_HUB_OFFLINE": "1"}
  command = [python, script, folder, str(work / "texts.json"), str(tower.tokens), threads]
  return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def _floor(tower: TextTower, texts: list[str]) -> tuple[float, int]:
  """Seconds of BERT's matrix products over the tokens without padding, and those tokens."""
  lengths = np.minimum(tower.tokenize_counted(tf.constant(texts))[1].numpy(), tower.tokens).astype(np.int64)
  shapes = [v.shape for v in tower.bert.weights if len(v.shape) >= 2 and v.shape[0] == tower.width]
  layers = sum(shape[-1] == 4 * tower.width for shape in shapes)  # the widening half of each feed-forward
  weights = layers * 12 * tower.width**2  # query, key, value, output: 4; feed-forward: 8
  flops = 2 * weights * lengths.sum() + layers * 4 * tower.width * (lengths**2).sum()
  return ceilings.here().seconds(flops=float(flops)), int(lengths.sum())
