"""The sections of a run's report, in their order: what there is no data for is left out."""

from collections.abc import Mapping, Sequence

from tfrec_combo.evaluation import plots, shop_plots, tables
from tfrec_combo.evaluation.parts import Code, Part, Plot, Section

UNEVALUATED = "Not evaluated yet: `tfrec-combo evaluate` adds how well it ranks."


def sections(result: Mapping | None, run: Mapping) -> list[Section]:
  """result: what `score` answered, or None before an evaluation. run: see `report.write_report`."""
  shown = result or {}
  found = [
    Section("Data", _data(shown, run)),
    Section("Training", _training(run)),
    Section("Accuracy", _accuracy(shown)),
    Section("Slices", _slices(shown)),
    Section("Coverage and popularity", _beyond(shown)),
    Section("Accuracy traded", _traded(shown)),
    Section("Index", _index(run)),
    Section("Answers, good and bad", [tables.examples(run["examples"])] if run.get("examples") else []),
    Section("Model", [run["model"]] if run.get("model") else []),
    Section("Time", _time(run)),
    Section("Versions", [run["versions"]] if run.get("versions") else [], folded=True),
    Section("Config", [Code(run["config"])] if run.get("config") else [], folded=True),
  ]
  return [section for section in found if section.parts]


def _data(result: Mapping, run: Mapping) -> list[Part]:
  tail = result.get("tail")
  parts: list[Part] = [run["profile"]] if run.get("profile") else []
  if tail:
    parts.append(_cold(tail, result))
  if run.get("dropped"):
    parts.append(tables.dropped(run["dropped"]))
  if tail and tail["rank"]:
    note = "In how many orders each product is, from the most bought one on."
    parts.append(Plot("Heavy tail", shop_plots.tail(tail), note))
  return parts


def _cold(tail: Mapping, result: Mapping) -> dict[str, object]:
  """How much of the shop little is known of."""
  found: dict[str, object] = {
    f"order lines of the most bought {float(top):.0%} of products": f"{share:.0%}"
    for top, share in tail["top"].items()
    if share is not None
  }
  slices = result.get("slices", {})
  for name, words in (
    ("unseen_targets", "with products never ordered before"),
    ("no_history", "of shoppers without history"),
  ):
    if name in slices:
      found[f"held-out requests {words}"] = f"{slices[name]['n'] / result['queries']:.1%}"
  return found


def _training(run: Mapping) -> list[Part]:
  history = {part: curves for part, curves in run.get("history", {}).items() if curves}
  if not history:
    return []
  note = (
    "By epoch, each part of the model. Held out: recall of the index's products for the towers, NDCG@10 for the ranker, log "
    "likelihood for the sets; the best epoch is kept."
  )
  return [Plot("Curves", plots.training(history), note)]


def _accuracy(result: Mapping) -> list[Part]:
  if not result:
    return [UNEVALUATED]
  parts: list[Part] = [
    Plot("Systems side by side", plots.systems(result), "Mean and 95 % bootstrap interval over requests.")
  ]
  if len(result["ks"]) > 1:
    parts.append(Plot("By length of the list", plots.by_k(result)))
  return [*parts, tables.accuracy(result)]


def _slices(result: Mapping) -> list[Part]:
  if not any(s["n"] for s in result.get("slices", {}).values()):
    return []
  return [Plot("Recall by slice", plots.slices(result)), tables.slices(result)]


def _beyond(result: Mapping) -> list[Part]:
  if not result:
    return []
  parts: list[Part] = []
  if result.get("exposure"):
    note = (
      "Products in ten groups with a tenth of all order lines each, the most bought first: an even recommender is as high "
      "as what was really added."
    )
    parts.append(Plot("Where the recommended places go", shop_plots.exposure(result), note))
  return [*parts, tables.beyond(result)]


def _traded(result: Mapping) -> list[Part]:
  if not result.get("tradeoff"):
    return []
  return [Plot("By setting", plots.tradeoff(result["tradeoff"])), tables.tradeoff(result["tradeoff"])]


def _index(run: Mapping) -> list[Part]:
  told: list[Part] = [run["index"]] if run.get("index") else []
  if run.get("index_curve"):
    note = "Each point is a setting that the export tried on held-out requests; recall is of the exact best."
    curve = shop_plots.index_curve(run["index_curve"])
    told += [Plot("Recall against latency", curve, note), tables.index_curve(run["index_curve"])]
  elif told:
    told.append("Without a curve: it scores every product, or it was exported without held-out requests.")
  return told


def _time(run: Mapping) -> Sequence[Part]:
  if not run.get("timings"):
    return []
  note = "Of the run that did the work; of a resumed training, of its rest."
  seconds = {stage: f"{seconds:,.1f} s" for stage, seconds in run["timings"].items()}
  return [seconds, Plot("Seconds of each stage", plots.timings(run["timings"]), note)]
