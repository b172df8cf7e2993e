"""Answers as tables for people."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
  from tfrec_combo.serving.asking import Answer

RIGHT = {"rank", "price", "score", "orders"}
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
    console.print(
      "no set fits; try a larger --budget, a smaller --size or fewer exclusions"
      " (a product without a price fits no budget)"
    )
  else:
    console.print("no product is left to answer; exclude fewer")


def _products(answer: "Answer") -> Any:
  together = any(p.goes_with for p in answer.products)
  table = _table(answer, "rank", *(("goes with", "orders") if together else ()))
  for rank, p in enumerate(answer.products, 1):
    more: list[object] = []
    if together:
      more = [_cut(answer.text(p.goes_with or "")) or p.goes_with, p.bought_together]
    _row(table, answer, rank, p.product_id, p.price, f"{p.score:.3f}", *more)
  return table


def _sets(answer: "Answer") -> Any:
  table = _table(answer, "set")
  for rank, found in enumerate(answer.combinations, 1):
    for place, (product_id, price) in enumerate(zip(found.product_ids, found.prices)):
      _row(table, answer, None if place else rank, product_id, price, None)
    partly = "total of the known prices" if None in found.prices else "total"
    name = ["", partly] if answer.texts is not None else [partly]
    table.add_row("", *name, f"{found.total:.2f}", f"{found.score:.3f}", style="bold", end_section=True)
  return table


def _table(answer: "Answer", first: str, *more: str) -> Any:
  from rich.table import Table

  caption = "orders: those that hold both the product and what it goes with" if more else None
  table = Table(title=answer.signature, caption=caption)
  text = ["text"] if answer.texts is not None else []
  for name in (first, "id", *text, "price", "score", *more):
    # Texts give way first: numbers and ids stay whole as long as they can.
    wraps = name in ("text", "goes with")
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
