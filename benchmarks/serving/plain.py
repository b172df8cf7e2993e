"""The whole line in one SavedModel, beside a plain TFRS export of the same towers whose answers the client reranks in Python.

python -m benchmarks.serving.plain --config quickstart --model saved_models/complete_journey

The plain one is what TFRS's tutorials export: `BruteForce` over the user tower, raw ids in, the best products out. Its client
holds the ranker with its tables, finds and describes the candidates and ranks them by the same networks, in one
`tf.function`. Both are served by `tfrec-combo serve` and asked in turns, for the same requests, which bring no words.
"""

import argparse
import json
import pathlib
import tempfile
import time

import grpc
import numpy as np
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from benchmarks.serving.process import serving
from benchmarks.serving.speed import golden
from tfrec_combo.base.files import write_json
from tfrec_combo.base.stack import tf, tfrs
from tfrec_combo.cli.options import read_config
from tfrec_combo.combos.ranker import NO_CANDIDATE
from tfrec_combo.serving import model
from tfrec_combo.towers.constants import rows_of, table
from tfrec_combo.training import fit

TURN = 10  # requests asked of the one before the other's turn
BEST = 10  # products of each answer that are compared


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
    past, given = rows_of(self.vectors, history), rows_of(self.vectors, basket)
    return self.tower(past, days, history >= 0, given, basket >= 0, words, asked["context"])


NAMES = ("history_ids", "history_days", "basket_ids", "context")


def export(
  models: fit.Models, found: int, lines: int, sample: dict[str, np.ndarray], folder: pathlib.Path
) -> None:
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
  ranker, row_of = models.ranker, {i.encode(): row for row, i in enumerate(models.catalogue.ids)}
  rows = lambda ids: np.array([[row_of.get(i, -1) for i in line] for line in ids], np.int32)
  ids = np.array([i.encode() for i in models.catalogue.ids], object)

  @tf.function(reduce_retracing=True)
  def ranked(batch, found):
    request = ranker.request(batch, tf.zeros([tf.shape(found)[0], models.text_tower.width]))
    blend = ranker.candidates.pool(request, found, None).best(ranker.candidates.count)
    scores = tf.where(
      blend.rows >= 0, ranker.net(ranker.features(request, blend, ranker.candidates)), NO_CANDIDATE
    )
    return tf.gather(blend.rows, tf.math.top_k(scores, k).indices, batch_dims=1)

  def rerank(asked: dict[str, np.ndarray], found: np.ndarray) -> np.ndarray:
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

  def ask(inputs: dict[str, np.ndarray]) -> np.ndarray:
    request = predict_pb2.PredictRequest(output_filter=["product_ids"])
    request.model_spec.name, request.model_spec.signature_name = name, signature
    for key, value in inputs.items():
      request.inputs[key].CopyFrom(tf.make_tensor_proto(value))
    return tf.make_ndarray(stub.Predict(request).outputs["product_ids"])

  return ask


def main() -> None:
  """Measures and prints."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--config", default="quickstart")
  parser.add_argument("--set", action="append", default=[])
  parser.add_argument("--model", type=pathlib.Path, required=True)
  parser.add_argument("--turns", type=int, default=20)
  parser.add_argument("--out", type=pathlib.Path)
  args = parser.parse_args()
  config, folder = read_config(args.config, args.set), model.newest_version(args.model).resolve()
  requests = golden(folder, "recommend", query=False)
  models = fit.trained(config)
  rerank = reranking(models, config.export.k)
  with tempfile.TemporaryDirectory() as made:
    base = pathlib.Path(made, "plain")
    export(models, config.retrieval.k, config.towers.history, requests[0], base)
    with serving(folder.parent, "ours") as (_, ours, _), serving(base, "plain") as (_, plain, _):
      whole, found = asking(ours, "ours", "recommend"), asking(plain, "plain", "serving_default")
      ways = {
        "one SavedModel": whole,
        "plain TFRS, its answer alone": lambda asked: found({name: asked[name] for name in NAMES}),
        "plain TFRS, reranked by the client": lambda asked: rerank(
          asked, found({n: asked[n] for n in NAMES})
        ),
      }
      answers = {way: [set(ask(one)[0, :BEST]) for one in requests] for way, ask in ways.items()}
      took: dict[str, list[float]] = {way: [] for way in ways}
      for _ in range(args.turns):
        for way, ask in ways.items():
          for i in range(TURN):
            started = time.perf_counter()
            ask(requests[i % len(requests)])
            took[way].append(1e3 * (time.perf_counter() - started))
  own = np.percentile(took["one SavedModel"], 50)
  result = {}
  for way, times in took.items():
    p50, p99 = np.percentile(times, [50, 99])
    same = np.mean([len(a & b) / BEST for a, b in zip(answers[way], answers["one SavedModel"])])
    result[way] = {"p50_ms": p50, "p99_ms": p99, "p50_ratio": p50 / own, "same_products": same}
    print(f"| {way} | {p50:.2f} | {p99:.2f} | {p50 / own:.2f} | {same:.0%} |", flush=True)
  if args.out:
    write_json(args.out, {"requests": len(requests), "asked": args.turns * TURN, "ways": result})
  else:
    print(json.dumps(result))


if __name__ == "__main__":
  main()
