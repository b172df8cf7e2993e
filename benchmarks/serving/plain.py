"""The whole line in one SavedModel, beside a plain TFRS export of the same towers whose answers the client reranks in Python.

python -m benchmarks.serving.plain --config quickstart --model saved_models/complete_journey

The plain one is what TFRS's tutorials export: `BruteForce` over the user tower, raw ids in, the best products out. Its client
does the rest of the work of the SavedModel: it holds the ranker with its tables, adds the candidates of the other sources,
describes them and ranks them by the same networks, in one `tf.function`. Both are served by `tfrec-combo serve` and asked in
turns, for the same held-out orders without their words.
"""

import argparse
import pathlib
import tempfile
import time
from collections.abc import Callable, Sequence

import grpc
import numpy as np
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from benchmarks.serving import pages
from benchmarks.serving.process import serving
from benchmarks.speed.rows import compared
from tfrec_combo.base.stack import tf, tfrs
from tfrec_combo.cli.held_out import as_request, drawn
from tfrec_combo.cli.options import read_config
from tfrec_combo.combos.ranker import NO_CANDIDATE
from tfrec_combo.evaluation.tables import Table
from tfrec_combo.logs.decisions import Decision
from tfrec_combo.metrics.ranking import METRICS, hits_of
from tfrec_combo.serving import model
from tfrec_combo.serving.batches import Batcher
from tfrec_combo.towers.constants import rows_of, table
from tfrec_combo.training import fit
from tfrec_combo.training.assemble import Run

TURN = 10  # requests asked of the one before the other's turn
BEST = 10  # products of each answer that are compared
BATCH = 32  # orders ranked at once for the quality
OURS, RERANKED = "one SavedModel", "plain TFRS, reranked by the client"
NAMES = ("history_ids", "history_days", "basket_ids", "context")
NOTE = """`the same 10`: of the first ten, how many the SavedModel answers, too. Reranked, the client does the same work with
the same networks; as it is, the answer is the towers' alone, and NDCG@10 says what that loses."""

Asked = dict[str, np.ndarray]


class Query(tf.keras.Model):
  """Raw ids -> query vectors [B, D], by the trained user tower; without words."""

  def __init__(self, models: fit.Models, vectors: np.ndarray, lines: int):
    super().__init__()
    self.rows = tf.keras.layers.StringLookup(vocabulary=models.catalogue.ids, mask_token=None)
    self.vectors, self.tower, self.lines = table(vectors, "vectors"), models.towers.user_tower, lines
    self.words = models.text_tower.width

  def call(self, asked: dict[str, tf.Tensor]) -> tf.Tensor:
    """asked: history_ids [B, H], history_days [B, H], basket_ids [B, M] and context [B]."""
    history, basket = self.rows(asked["history_ids"][:, : self.lines]) - 1, self.rows(asked["basket_ids"]) - 1
    days, words = asked["history_days"][:, : self.lines], tf.zeros([tf.shape(history)[0], self.words])
    return self.tower(self.vectors, history, days, basket, words, asked["context"])


def export(models: fit.Models, found: int, lines: int, sample: Asked, folder: pathlib.Path) -> None:
  """Writes folder/1, whose `serving_default` answers the ids of the `found` best products."""
  vectors = models.towers.encode_catalogue()
  layer = tfrs.layers.factorized_top_k.BruteForce(Query(models, vectors, lines), k=found)
  layer.index(tf.constant(vectors), tf.constant(models.catalogue.ids))
  given = {name: tf.constant(sample[name]) for name in NAMES}
  layer(given)
  specs = {n: tf.TensorSpec([None, *v.shape[1:]], v.dtype, n) for n, v in given.items()}
  answer = tf.function(lambda **asked: dict(zip(("scores", "product_ids"), layer(asked))))
  tf.saved_model.save(layer, str(folder / "1"), signatures=answer.get_concrete_function(**specs))


def reranking(models: fit.Models, k: int):
  """What the plain client does with the ids it was answered: ids by the ranker, best first."""
  ranker, names = models.ranker, models.catalogue.ids
  row_of = {i: row for row, i in enumerate(names)} | {i.encode(): row for row, i in enumerate(names)}
  rows = lambda ids: np.array([[row_of.get(i, -1) for i in line] for line in ids], np.int32)
  ids = np.array([*(i.encode() for i in names), b""], object)  # the last: of row -1

  @tf.function(reduce_retracing=True)
  def ranked(batch, found):
    request = ranker.request(batch, tf.zeros([tf.shape(found)[0], models.text_tower.width]))
    blend = ranker.candidates.pool(request, found, None).best(ranker.candidates.count)
    said = tf.reduce_any(request.history >= 0, 1) | tf.reduce_any(request.basket >= 0, 1)
    # Who says nothing gets what is popular, as from the served model.
    popular = tf.math.log1p(rows_of(ranker.candidates.orders, blend.rows))
    scores = tf.where(said[:, None], ranker.net(ranker.features(request, blend, ranker.candidates)), popular)
    scores = tf.where(blend.rows >= 0, scores, NO_CANDIDATE)
    return tf.gather(blend.rows, tf.math.top_k(scores, k).indices, batch_dims=1)

  def rerank(asked: Asked, found: np.ndarray) -> np.ndarray:
    batch = {n: rows(asked[f"{n}_ids"]) for n in ("history", "basket", "exclude")}
    batch |= {n: asked[n] for n in ("history_days", "context", "query")}
    return ids[ranked({n: tf.constant(v) for n, v in batch.items()}, tf.constant(rows(found))).numpy()]

  return rerank


def asking(port: int, name: str, signature: str):
  """A function that asks one signature by gRPC for its product ids."""
  options = [("grpc.max_receive_message_length", -1)]
  stub = prediction_service_pb2_grpc.PredictionServiceStub(
    grpc.insecure_channel(f"127.0.0.1:{port}", options)
  )

  def ask(inputs: Asked) -> np.ndarray:
    request = predict_pb2.PredictRequest(output_filter=["product_ids"])
    request.model_spec.name, request.model_spec.signature_name = name, signature
    for key, value in inputs.items():
      request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return tf.make_ndarray(stub.Predict(request).outputs["product_ids"])

  return ask


def ndcg(
  ask: Callable[[Asked], np.ndarray], asked: Asked, orders: Sequence[Decision], row_of: dict[bytes, int]
) -> float:
  """Mean NDCG@10 of what a way answers to held-out orders; products that lie in the basket take no place."""
  ranked = np.full([len(orders), BEST], -1, np.int64)
  for start in range(0, len(orders), BATCH):
    part = {name: value[start : start + BATCH] for name, value in asked.items()}
    for at, answer in enumerate(ask(part), start):
      rows = [row_of.get(i, -1) for i in answer]
      best = [row for row in rows if row >= 0 and row not in orders[at].basket][:BEST]
      ranked[at, : len(best)] = best
  targets = [order.target for order in orders]
  sizes = np.array([len(target) for target in targets])
  return float(np.mean(METRICS["NDCG"](hits_of(ranked, targets), sizes, k=BEST)))


def measure(
  folder: pathlib.Path, name: str, overrides: Sequence[str], orders: int, out: pathlib.Path, turns: int = 20
) -> None:
  """Asks both for held-out orders, in turns and then all, and writes section `plain`.

  Args:
    folder: the version of the model. name, overrides: the config of its training.
  """
  config = read_config(name, list(overrides))
  models = fit.trained(config)
  given = drawn(Run(config))[:orders]
  row_of = {i.encode(): row for row, i in enumerate(models.catalogue.ids)}
  with model.load(folder) as loaded:
    signature = loaded.signature("recommend")
  wordless = [as_request(d, models.catalogue.ids).model_copy(update={"query": ""}) for d in given]
  asked = Batcher(signature)(wordless)
  alone = [{n: v[i : i + 1] for n, v in asked.items()} for i in range(min(len(given), 64))]
  rerank = reranking(models, config.export.k)
  with tempfile.TemporaryDirectory() as made:
    base = pathlib.Path(made, "plain")
    export(models, config.retrieval.k, config.towers.history, alone[0], base)
    with serving(folder.parent, "ours") as (_, ours, _), serving(base, "plain") as (_, plain, _):
      found = asking(plain, "plain", "serving_default")
      answered = lambda one: found({n: one[n] for n in NAMES})
      ways = {
        OURS: asking(ours, "ours", "recommend"),
        RERANKED: lambda one: rerank(one, answered(one)),
        "plain TFRS, its answer as it is": answered,
      }
      best = {way: [set(ask(one)[0, :BEST]) for one in alone] for way, ask in ways.items()}
      took: dict[str, list[list[float]]] = {way: [] for way in ways}
      for turn in range(turns):
        for way, ask in ways.items():
          times = []
          for i in range(TURN):
            started = time.perf_counter()
            ask(alone[(turn * TURN + i) % len(alone)])
            times.append(1e3 * (time.perf_counter() - started))
          took[way].append(times)
      quality = {way: ndcg(ask, asked, given, row_of) for way, ask in ways.items()}
  same = {way: float(np.mean([len(a & b) / BEST for a, b in zip(best[way], best[OURS])])) for way in ways}
  medians = {way: [float(np.median(times)) for times in turn] for way, turn in took.items()}
  rows = [
    compared("one request, by gRPC", way, medians[OURS], medians[way], unit="ms",
             note=f"NDCG@10 of {len(given)} held-out orders {quality[OURS]:.4f} and {quality[way]:.4f}")
    for way in ways if way != OURS
  ]  # fmt: skip
  lines = []
  for way, times in took.items():
    p50, p99 = np.percentile(np.concatenate(times), [50, 99])
    lines.append([way, f"{p50:.2f}", f"{p99:.2f}", f"{quality[way]:.4f}", f"{same[way]:.0%}"])
  table = Table(
    "Beside a plain TFRS export", NOTE, ["way", "p50 ms", "p99 ms", "NDCG@10", "the same 10"], lines
  )
  measured = {"orders": len(given), "asked": turns * TURN, "p50_ms": medians, "ndcg": quality, "same": same}
  pages.merge(out, "plain", rows, [table], measured)


def main() -> None:
  """Measures this section alone."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--config", default="quickstart")
  parser.add_argument("--set", action="append", default=[])
  parser.add_argument("--model", type=pathlib.Path, required=True)
  parser.add_argument("--orders", type=int, default=1000, help="held-out orders that are ranked")
  parser.add_argument("--turns", type=int, default=20)
  parser.add_argument("--out", type=pathlib.Path, default=pages.RESULTS)
  args = parser.parse_args()
  measure(
    model.newest_version(args.model).resolve(), args.config, args.set, args.orders, args.out, args.turns
  )


if __name__ == "__main__":
  main()
