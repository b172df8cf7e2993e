"""An evaluation as a table for people."""

import pathlib

from rich.console import Console
from rich.table import Table


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
