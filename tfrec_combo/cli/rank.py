"""`tfrec-combo rank`: a file of requests answered with a file of rankings."""

import enum
import functools
from typing import Annotated

import typer

from tfrec_combo.cli.output import Answer, warn


class Task(enum.StrEnum):
  """What is ranked."""

  products = "products"
  bundles = "bundles"


def rank(
  model: Annotated[str, typer.Option(metavar="FOLDER", help="A model's folder, or one version of it.")],
  queries: Annotated[str, typer.Option(metavar="FILE", help="Requests, one JSON object a line.")],
  out: Annotated[str, typer.Option(metavar="FILE", help="Rankings, one JSON object a line, best first.")],
  k: Annotated[int, typer.Option("-k", help="Ids answered to each request.")] = 20,
  batch: Annotated[int, typer.Option(help="Requests asked at once.")] = 64,
  signature: Annotated[
    str | None, typer.Option(help="What answers, where several do: recommend, or complete_basket.")
  ] = None,
  task: Annotated[
    Task, typer.Option(help="What is ranked: products, or ready-made bundles.")
  ] = Task.products,
  bundles: Annotated[
    str | None,
    typer.Option(
      metavar="FILE", help="With --task bundles: those to rank, a table of bundle_id and product_id."
    ),
  ] = None,
) -> Answer:
  """Answer every request of a file, in its order, whatever its length.

  A request: {"query_id": "1", "history": [{"product_id": "17", "days_ago": 3.5}], "basket": ["29"], "query": "tea"}

  Its ranking: {"query_id": "1", "ids": ["30", "12"]}

  History stands newest first; "context" and "exclude" (ids) may be given, too; all but query_id may be left out.

  With --task bundles the ids of "exclude" and of the ranking are those of bundles, and "bundle_history" holds the bundles that
  were taken before; they are answered again unless "exclude" names them, too. A model that learnt who took which bundles ranks
  its own; with --bundles any model scores those of the file by their products.

  Example: tfrec-combo rank --model saved_models/shop --queries queries.jsonl --out rankings.jsonl -k 20

  Example: tfrec-combo rank --model saved_models/shop --task bundles --bundles bundles.csv --queries q.jsonl --out r.jsonl
  """
  from tfrec_combo.base.progress import bar
  from tfrec_combo.cli import loading
  from tfrec_combo.serving import ranking, ready_made

  if bundles and task is not Task.bundles:
    raise typer.BadParameter("is for --task bundles", param_hint="--bundles")
  with loading.load(model) as loaded:
    given = ready_made.ReadyMade(loaded, ready_made.read_bundles(bundles)) if bundles else None
    answers = signature or ("recommend_bundles" if task is Task.bundles and not given else "recommend")
    if given and given.too_large:
      warn(f"larger than the model takes, so left out: {', '.join(given.too_large[:5])} ...")
    with bar("rank requests") as update:
      done = ranking.rank_file(loaded, queries, out, k, batch, answers, update, given)
    value = {"requests": done.requests, "seconds": round(done.seconds, 3), "model": loaded.name, "out": out}
  rate = done.requests / max(done.seconds, 1e-9)
  line = f"{done.requests:,} requests answered by {value['model']} in {done.seconds:.1f} s ({rate:,.0f} a second): {out}"
  return Answer(value, functools.partial(typer.echo, line))
