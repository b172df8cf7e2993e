"""Answers as tables for people."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from tfrec_combo.serving.answers import Product
  from tfrec_combo.serving.asking import Answer

RIGHT = {"rank", "price", "score", "orders"}
WHY = {
  "asked": "asked for",
  "basket": "goes with {other}",
  "query": "what was asked for, in words",
  "again": "bought before",
  "history": "goes with {other}, bought before",
  "set": "goes with {other} of this set",
  "popular": "popular",
}
NO_SET = {
  "size": "no set: the size asked for is none that this model makes",
  "must_include": "no set holds what must be included: it is not in the catalogue, lies in the basket, is excluded, not in"
  " stock, or two of it may not be in one set",
  "budget": "no set fits the budget; try a larger --budget or a smaller --size (a product without a price fits none)",
  "too_few_products": "no set: too few products are left; try a smaller --size, fewer exclusions or more categories",
}
WIDEST = 60  # characters of a text; --json has all of it


def show(answer: "Answer") -> None:
  """Prints an answer's products, or its sets with their totals, as a table; a sentence where there are none."""
  from rich.console import Console

  console = Console()
  if answer.products:
    console.print(_products(answer))
  elif answer.combinations:
    console.print(_sets(answer))
  elif answer.signature == "combine":
    console.print(NO_SET.get(answer.status, NO_SET["too_few_products"]))
  else:
    console.print("no product is left to answer; exclude fewer")


def _products(answer: "Answer") -> Any:
  told = any(p.reason or p.goes_with for p in answer.products)
  table = _table(answer, "rank", *(("why", "orders") if told else ()))
  for rank, p in enumerate(answer.products, 1):
    _row(table, answer, rank, p.product_id, p.price, f"{p.score:.3f}", *(_why(answer, p) if told else ()))
  return table


def _sets(answer: "Answer") -> Any:
  members = [m for found in answer.combinations for m in found.members]
  told = any(m.reason or m.goes_with for m in members)
  table = _table(answer, "set", *(("why", "orders") if told else ()))
  for rank, found in enumerate(answer.combinations, 1):
    for place, m in enumerate(found.members):
      why = _why(answer, m) if told else ()
      _row(table, answer, None if place else rank, m.product_id, m.price, f"{m.score:.3f}", *why)
    partly = "total of the known prices" if any(m.price is None for m in found.members) else "total"
    name = ["", partly] if answer.texts is not None else [partly]
    table.add_row("", *name, f"{found.total:.2f}", f"{found.score:.3f}", style="bold", end_section=True)
  return table


def _why(answer: "Answer", product: "Product") -> tuple[object, object]:
  other = _cut(answer.text(product.goes_with or "")) or product.goes_with or ""
  words = WHY.get(product.reason or "", "goes with {other}" if other else "")
  return words.format(other=other), product.bought_together


def _table(answer: "Answer", first: str, *more: str) -> Any:
  from rich.table import Table

  caption = "orders: those that hold both the product and what it goes with; of the shopper's own, where bought before"
  table = Table(title=answer.signature, caption=caption if more else None)
  text = ["text"] if answer.texts is not None else []
  for name in (first, "id", *text, "price", "score", *more):
    # Texts give way first: numbers and ids stay whole as long as they can.
    wraps = name in ("text", "why")
    table.add_column(name, justify="right" if name in RIGHT else "left", overflow="fold", no_wrap=not wraps)
  return table


def _row(
  table: Any, answer: "Answer", first: object, product_id: str, price: float | None, *more: object
) -> None:
  from rich.text import Text  # plain: square brackets of a product's text are no markup

  text = [_cut(answer.text(product_id))] if answer.texts is not None else []
  cells = [first, product_id, *text, None if price is None else f"{price:.2f}", *more]
  table.add_row(*(Text("" if cell is None else str(cell)) for cell in cells))


def _cut(text: str) -> str:
  return text if len(text) <= WIDEST else text[: WIDEST - 1] + "…"
