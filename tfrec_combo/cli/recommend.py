"""`tfrec-combo recommend`: one request, answered as a table."""

import functools
from typing import Annotated, Any

import typer

from tfrec_combo.cli.output import Answer, warn

Ids = list[str] | None
SETS = "Sets, with --combine"


def recommend(
  model: Annotated[str, typer.Option(metavar="FOLDER", help="A model's folder, or one version of it.")],
  history: Annotated[
    Ids,
    typer.Option(metavar="ID[:DAYS],...", help="Bought before, newest first, and days ago (0 if not said)."),
  ] = None,
  basket: Annotated[Ids, typer.Option(metavar="ID,...", help="In the basket now.")] = None,
  query: Annotated[str, typer.Option(help="What the shopper looks for, in words.")] = "",
  context: Annotated[str, typer.Option(help="A tag the log has, such as a store.")] = "",
  exclude: Annotated[Ids, typer.Option(metavar="ID,...", help="Not to be answered.")] = None,
  k: Annotated[int, typer.Option("-k", help="Products answered.")] = 10,
  combine: Annotated[bool, typer.Option("--combine", help="Answer sets that go together.")] = False,
  size: Annotated[
    int | None, typer.Option(help="With --combine: products in a set.", rich_help_panel=SETS)
  ] = None,
  size_min: Annotated[
    int | None, typer.Option(help="In place of --size: at least.", rich_help_panel=SETS)
  ] = None,
  size_max: Annotated[
    int | None, typer.Option(help="In place of --size: at most.", rich_help_panel=SETS)
  ] = None,
  budget: Annotated[float | None, typer.Option(help="The most a set may cost.", rich_help_panel=SETS)] = None,
  must_include: Annotated[
    Ids, typer.Option(metavar="ID,...", help="In every set.", rich_help_panel=SETS)
  ] = None,
  one_per_category: Annotated[
    bool, typer.Option("--one-per-category", help="No two of one category.", rich_help_panel=SETS)
  ] = False,
  category: Annotated[
    Ids, typer.Option(metavar="PATH", help="Only of this category, or of several.", rich_help_panel=SETS)
  ] = None,
  in_stock: Annotated[
    Ids, typer.Option(metavar="ID,...", help="Only of these products.", rich_help_panel=SETS)
  ] = None,
  diversity: Annotated[
    float | None,
    typer.Option(help="0 to 1: fit given up for products unlike each other, or sets that share none."),
  ] = None,
  novelty: Annotated[float | None, typer.Option(help="0 to 1: fit given up for less popular ones.")] = None,
) -> Answer:
  """Ask a model once. With a basket, and for sets, each answer says why it is there and what it goes with.

  Example: tfrec-combo recommend --model saved_models/shop --history 826249:3,981760:12 --basket 1029743

  Example: tfrec-combo recommend --model saved_models/shop --query "pasta night" --combine --size 3 --budget 20
  """
  from tfrec_combo.cli import loading, tables
  from tfrec_combo.serving import asking

  lists = {"history": history, "basket": basket, "exclude": exclude, "must_include": must_include}
  wishes: dict[str, Any] = {"size": size, "size_min": size_min, "size_max": size_max, "budget": budget}
  wishes |= {"one_per_category": one_per_category or None, "allowed_categories": category}
  weights: dict[str, Any] = {"diversity": diversity, "novelty": novelty}
  request = asking.request(**lists, in_stock=in_stock, query=query, context=context, **wishes, **weights)
  with loading.load(model) as loaded:
    answer = asking.ask(loaded, request, k, combine)
  if answer.unknown:
    warn("not in the catalogue, so ignored: " + ", ".join(answer.unknown))
  return Answer(answer.as_dict(), functools.partial(tables.show, answer))
