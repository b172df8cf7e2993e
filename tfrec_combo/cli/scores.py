"""An evaluation, or a list of bundles, as a table for people."""

import pathlib
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
  from tfrec_combo.cli.reporting import Written
  from tfrec_combo.merchandising.proposal import Proposal

SHOWN = 10  # bundles of a list


def show(result: dict, folder: pathlib.Path) -> None:
  """Prints the systems side by side and where the report lies."""
  k = result["k"]
  columns = [f"{metric}@{k}" for metric in ("Recall", "NDCG", "HR", "MRR")]
  table = Table(title=f"{result['queries']:,} held-out orders, {result['products']:,} products")
  table.add_column("system")
  for name in (*columns, f"Coverage@{k}"):
    table.add_column(name, justify="right")
  for i, (name, values) in enumerate(result["systems"].items()):
    cells = [f"{values[column]['mean']:.4f}" for column in columns]
    table.add_row(name, *cells, f"{values[f'Coverage@{k}']:.3f}", style="bold" if i == 0 else None)
  console = Console()
  console.print(table)
  console.print(f"report: {folder / 'report.html'}", soft_wrap=True, highlight=False)


def show_trainings(found: dict[str, dict]) -> None:
  """Prints what each part of the model reached."""
  table = Table(
    title="trained", caption="held out: of the best epoch, which is kept; by each part's own metric"
  )
  for name in ("part", "epochs", "best epoch", "held out"):
    table.add_column(name, justify="left" if name == "part" else "right")
  for part, told in found.items():
    table.add_row(part, str(told["epochs"]), str(told["best_epoch"]), f"{told['held_out']:.4f}")
  Console().print(table)


def show_comparison(found: "Written") -> None:
  """Prints how runs differ, request by request, and where their page lies."""
  console = Console()
  if found.deltas:
    table = Table(title="paired requests", caption="difference to the first run, 95 % interval")
    for name in ("run", "metric", "requests", "difference", "interval", "p"):
      table.add_column(name, justify="left" if name in ("run", "metric") else "right")
    for d in found.deltas:
      known = d["difference"] is not None
      cells = (
        [f"{d['difference']:+.4f}", f"{d['low']:+.4f} to {d['high']:+.4f}", f"{d['p']:.4f}"]
        if known
        else ["-"] * 3
      )
      table.add_row(*map(Text, [d["run"], d["metric"], f"{d['requests']:,}", *cells]))
    console.print(table)
  console.print(f"page: {found.page}", soft_wrap=True, highlight=False)


def show_bundles(found: "Proposal", folder: pathlib.Path) -> None:
  """Prints the first bundles of a list, what to think of it, and where it lies."""
  from tfrec_combo.merchandising.report import headline

  table = Table(caption="take-up: expected orders of 1,000; lift: over what chance would give")
  for name in ("bundle", "products", "price", "orders", "lift", "take-up"):
    table.add_column(name, justify="left" if name in ("bundle", "products") else "right", overflow="fold")
  for row in found.table.head(SHOWN).iter_rows(named=True):
    price, lift = ("" if row[name] is None else f"{row[name]:,.2f}" for name in ("price", "lift"))
    # plain: square brackets of a product's text are no markup
    cells = [row["bundle_id"], row["texts"], price, f"{row['orders']:,}", lift, f"{row['take_up']:.2f}"]
    table.add_row(*map(Text, cells))
  console = Console()
  if found.bundles:
    console.print(table)
  console.print(headline(found), highlight=False)
  console.print(f"page: {folder / 'bundles.html'}", soft_wrap=True, highlight=False)
