"""The tables of a report, the same ones for Markdown and HTML: plain strings, not yet escaped."""

import dataclasses
import json
from collections.abc import Mapping, Sequence

BEYOND = {
  "Coverage": "share of the catalogue shown to anybody",
  "Gini": "how unequally products are shown, 0 alike",
  "Novelty": "bits of self-information",
  "Popularity": "mean percentile of the products shown, 1 the most bought",
  "Lift": "how much more popular they are than what those shoppers bought, 0 alike",
  "Diversity": "1 - cosine of the texts over the pairs of a list",
  "Variety": "share of its pairs that are of two categories",
  "Miscalibration": "nats by which its categories miss those of the history, 0 alike",
}


@dataclasses.dataclass(frozen=True)
class Table:
  """Cells as plain text; `numbers` is the first column that holds numbers; the row `strong` stands out."""

  title: str
  note: str
  head: list[str]
  rows: list[list[str]]
  numbers: int = 1
  strong: int | None = None


def headline(result: Mapping) -> str:
  """The one sentence to take away."""
  compared = result["comparison"]
  requests = "request" if result["queries"] == 1 else "requests"
  scale = f"{result['queries']:,} held-out {requests} over {result['products']:,} products."
  if compared is None:
    return scale
  p = "p < 0.001" if compared["p"] < 0.001 else f"p = {compared['p']:.3f}"
  return (
    f"{compared['system']} against the best peer, {compared['peer']}: {compared['metric']} "
    f"{compared['difference']:+.4f} "
    f"(95 % interval {compared['low']:+.4f} to {compared['high']:+.4f}, {p}), on {scale}"
  )


def facts(values: Mapping[str, object]) -> list[tuple[str, str]]:
  """Names and values of a flat part of the header, as text."""
  return [(str(name), _fact(value)) for name, value in values.items()]


def accuracy(result: Mapping) -> Table:
  """Every metric of every system."""
  k = result["k"]
  first = [f"NDCG@{k}", f"Recall@{k}"]
  rest = [f"{metric}@{at}" for at in result["ks"] for metric in ("Recall", "NDCG", "HR", "MRR")]
  rest = [name for name in rest if name not in first]
  rows = [
    [name, *[interval(cells[c]) for c in first], *[number(cells[c]["mean"]) for c in rest]]
    for name, cells in result["systems"].items()
  ]
  note = "Mean over requests; in brackets the 95 % bootstrap interval."
  return Table("Accuracy", note, ["system", *first, *rest], rows, strong=0)


def beyond(result: Mapping) -> Table:
  """What else the rankings are worth."""
  k = result["k"]
  names = [f"{name}@{k}" for name in BEYOND]
  rows = [[name, *[number(cells[c]) for c in names]] for name, cells in result["systems"].items()]
  note = ". ".join(f"{name}: {what}" for name, what in BEYOND.items()) + "."
  return Table("Beyond accuracy", note, ["system", *names], rows, strong=0)


def tradeoff(found: Mapping) -> Table:
  """What diversity and novelty cost, setting by setting."""
  names = [f"{name}@{found['k']}" for name in ("NDCG", "Recall", *BEYOND)]
  rows = [
    [f"{p['diversity']:g}", f"{p['novelty']:g}", *[number(p[name]) for name in names]]
    for p in found["points"]
  ]
  note = (
    f"The served model at each setting of its inputs diversity and novelty, on {found['queries']:,} of the requests; "
    "0 and 0 is its own order."
  )
  return Table("Accuracy traded", note, ["diversity", "novelty", *names], rows, numbers=0, strong=0)


def slices(result: Mapping) -> Table:
  """Recall of every system in every slice."""
  systems = list(result["systems"])
  metric = f"Recall@{result['k']}"
  rows = [
    [s["label"], f"{s['n']:,}", *[number(s["systems"][name][metric]["mean"]) for name in systems]]
    for s in result["slices"].values()
  ]
  note = f"{metric}. Targets never ordered before are scored alone; a slice without requests has no figures."
  return Table("Slices", note, ["slice", "n", *systems], rows)


def examples(told: Sequence[Mapping]) -> Table:
  """Answers with their text; what was really added is marked."""
  rows = [[_kind(e), e["request"], _answer(e), "\n".join(e["truth"])] for e in told]
  note = (
    "What was asked, the first products of the answer, and what was really added; ✓ stands before an answer that was. "
    "Drawn evenly from the fifth of the requests with the highest NDCG, and from that with the lowest."
  )
  return Table("Answers", note, ["kind", "request", "answer", "really added"], rows, numbers=4)


def _kind(example: Mapping) -> str:
  return f"{example['kind']}\nNDCG {example['ndcg']:.2f}" if "kind" in example else ""


def _answer(example: Mapping) -> str:
  hits = example.get("hits", [False] * len(example["answer"]))
  return "\n".join(f"✓ {text}" if hit else text for text, hit in zip(example["answer"], hits))


def dropped(told: Mapping) -> Table:
  """Rows of the log that broke the data contract and were left out, by rule."""
  rows = []
  for name, table in told["tables"].items():
    read, out = f"{table['rows_read']:,}", f"{table['rows_dropped']:,}"
    rules = [f"{f['column']} {f['rule']}: {f['count']:,}" for f in table["faults"]]
    rows.append([name, read, out, "\n".join(rules)])
  note = "Rows that broke the data contract and were left out; a row may break several rules."
  return Table(
    "Dropped rows", note, ["table", "rows read", "rows dropped", "faults by rule"], rows, numbers=4
  )


def index_curve(tried: Mapping) -> Table:
  """Every setting of the index that was tried."""
  rows = [
    [
      f"{p['leaves']:,}",
      f"{p['leaves_share']:g}",
      "–" if p["reorder"] is None else f"{p['reorder']:,}",
      number(p["recall"]),
      f"{p['microseconds'] / 1000:.3f}",
      f"{p['work']:,.0f}",
    ]
    for p in tried["tried"]
  ]
  note = "Work is in rows scored by an exact index. The setting that is served stands out."
  head = ["leaves", "share searched", "rows reordered", "recall", "ms a query", "work"]
  return Table(
    "Settings of the index", note, head, rows, numbers=0, strong=tried["tried"].index(tried["chosen"])
  )


def interval(cell: Mapping) -> str:
  """A mean with its interval, where there is one."""
  if cell["low"] is None:
    return number(cell["mean"])
  return f"{cell['mean']:.4f} [{cell['low']:.4f}, {cell['high']:.4f}]"


def number(value: float | None) -> str:
  """Four digits, or a dash for none."""
  return "–" if value is None else f"{value:.4f}"


def _fact(value: object) -> str:
  if isinstance(value, bool) or value is None:
    return str(value)
  if isinstance(value, int):
    return f"{value:,}"
  if isinstance(value, float):
    return f"{value:,.4g}"
  return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
