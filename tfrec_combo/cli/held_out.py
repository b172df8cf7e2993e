"""Held-out orders asked of the SavedModel and of the peers: what the report is made from."""

import logging
import pathlib
from collections.abc import Sequence

import numpy as np
import polars as pl

from tfrec_combo.base.progress import bar
from tfrec_combo.evaluation.peers import all_peers
from tfrec_combo.evaluation.tradeoff import Setting, settings
from tfrec_combo.logs.decisions import Decision
from tfrec_combo.pipeline.requests import requests
from tfrec_combo.serving import model
from tfrec_combo.serving.batches import Batcher
from tfrec_combo.serving.requests import Request
from tfrec_combo.towers.text import TextTower
from tfrec_combo.towers.text_cache import encode_all
from tfrec_combo.training import assemble
from tfrec_combo.training.assemble import Run

log = logging.getLogger(__name__)
OURS = "tfrec_combo"
BATCH = 64
EXAMPLES = 8
ANSWERED = 6  # products of a request, an answer and the truth that an example shows


def drawn(run: Run) -> list[Decision]:
  """The held-out orders that are asked about; a log too short for a test split is asked about its newest orders."""
  settings = run.config.evaluation
  split = assemble.splits(run, ("test", "valid", "rank", "train"))[0]
  if split != "test":
    log.warning(
      "the log holds no test split: what is evaluated was learnt from, and every figure is too good"
    )
  large = [d for d in requests(run.records, split) if len(d.basket) + len(d.target) >= settings.min_order]
  if len(large) > settings.orders:
    chosen = np.random.default_rng(run.config.seed).choice(len(large), settings.orders, replace=False)
    large = [large[i] for i in np.sort(chosen)]
  return large


def texts(run: Run, ranked: Sequence[np.ndarray], products: pl.DataFrame) -> np.ndarray:
  """Text vectors [N, W] of the products that stand in rankings [Q, k], zeros elsewhere.

  Those of the preset as it came, whatever the model made of it: one measure for every model and its peers.
  """
  tower = TextTower(run.config.text.model_copy(update={"mode": "frozen"}))
  shown = np.unique(np.concatenate([np.unique(one) for one in ranked]))
  shown = shown[shown >= 0]
  vectors = np.zeros([products.height, tower.width], np.float32)
  vectors[shown] = encode_all(tower, [products["text"][row] for row in shown.tolist()], run.texts)
  return vectors


def traded(
  run: Run, folder: pathlib.Path, asked: Sequence[Decision], products: pl.DataFrame
) -> tuple[dict[Setting, np.ndarray], list[Decision]]:
  """The SavedModel's answers at each setting of diversity and novelty, and the orders they are to, drawn from `asked`."""
  most = run.config.evaluation.tradeoff
  if len(asked) > most:
    chosen = np.random.default_rng(run.config.seed).choice(len(asked), most, replace=False)
    asked = [asked[i] for i in np.sort(chosen)]
  k, ids, every = max(run.config.evaluation.k), products["product_id"].to_list(), settings()
  found = {}
  with bar("rank at each setting") as update, model.load(folder) as ours:
    for i, (diversity, novelty) in enumerate(every):
      found[diversity, novelty] = answers(ours, asked, ids, k, diversity=diversity, novelty=novelty)
      update(i + 1, len(every))
  return found, list(asked)


def rankings(
  run: Run, folder: pathlib.Path, products: pl.DataFrame
) -> tuple[dict[str, np.ndarray], list[Decision]]:
  """Product rows [Q, k] of each system, ours through the SavedModel first, and the requests."""
  asked = drawn(run)
  k = max(run.config.evaluation.k)
  with bar("rank held-out orders") as update:
    ranked = {OURS: served(folder, asked, products["product_id"].to_list(), k, update)}
  baskets = assemble.orders_of(run, ("train", "rank", "valid"), products.height)
  with bar("rank by the peers") as update:
    peers = all_peers(baskets)
    for i, peer in enumerate(peers):
      ranked[peer.name] = peer.rank(asked, k)
      update(i + 1, len(peers))
  return ranked, asked


def served(folder: pathlib.Path, asked: Sequence[Decision], ids: list[str], k: int, update) -> np.ndarray:
  """The SavedModel's answers, [Q, k] rows of `ids`, -1 for none."""
  with model.load(folder) as ours:
    return answers(ours, asked, ids, k, update)


def answers(
  ours: model.Model, asked: Sequence[Decision], ids: list[str], k: int, update=lambda *_: None, **wish: float
) -> np.ndarray:
  """As `served`, of a loaded model. `wish`: diversity and novelty of every request."""
  row_of = {product: row for row, product in enumerate(ids)}
  found = np.full([len(asked), k], -1, np.int32)
  batcher = Batcher(ours.signature("recommend"))
  for start in range(0, len(asked), BATCH):
    part = [as_request(d, ids, **wish) for d in asked[start : start + BATCH]]
    named = ours.predict("recommend", batcher(part))["product_ids"][:, :k]
    rows = [[row_of.get(i.decode(), -1) for i in one] for one in named]
    found[start : start + len(part), : named.shape[1]] = rows
    update(start + len(part), len(asked))
  return found


def as_request(decision: Decision, ids: list[str], **wish: float) -> Request:
  """What a shop would send for this order; its target is no part of it."""
  lines = zip(decision.history.tolist(), decision.history_days.tolist())
  return Request.model_construct(
    history=[{"product_id": ids[row], "days_ago": days} for row, days in lines],
    basket=[ids[row] for row in decision.basket.tolist()],
    query=decision.query,
    context=decision.context,
    diversity=wish.get("diversity"),
    novelty=wish.get("novelty"),
  )


def examples(
  ranked: np.ndarray, asked: Sequence[Decision], products: pl.DataFrame, ndcg: np.ndarray
) -> list[dict]:
  """Some requests with our answer and the truth, in words: half of them answered well, half badly.

  ndcg: [Q], of our answers.
  """
  name = [text or product for text, product in zip(products["text"], products["product_id"])]
  words = lambda rows: [name[row] for row in rows if row >= 0]
  order = np.argsort(-ndcg, kind="stable")
  fifth = max(1, len(order) // 5)
  draw = lambda part: part[np.linspace(0, len(part) - 1, min(EXAMPLES // 2, len(part))).astype(int)]
  shown = []
  for kind, part in (("good", order[:fifth]), ("bad", order[fifth:][-fifth:])):
    for i in draw(part):
      d, answer = asked[i], ranked[i][:ANSWERED]
      said = [f"“{d.query}”"] if d.query else []
      said += [f"{len(d.history)} lines of history"] if len(d.history) else []
      said += ["in the basket:", *words(d.basket[:ANSWERED])] if len(d.basket) else []
      said += [f"and {len(d.basket) - ANSWERED} more"] if len(d.basket) > ANSWERED else []
      truth = words(d.target[:ANSWERED])
      truth += [f"and {len(d.target) - ANSWERED} more"] if len(d.target) > ANSWERED else []
      shown.append(
        {
          "kind": kind,
          "ndcg": float(ndcg[i]),
          "request": "\n".join(said) or "nothing",
          "answer": words(answer),
          "hits": np.isin(answer[answer >= 0], d.target).tolist(),
          "truth": truth,
        }
      )
  return shown
