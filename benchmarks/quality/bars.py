"""Systems side by side as one small SVG: a bar and its interval a system, a panel a metric."""

import html
from collections.abc import Collection, Mapping

OURS, PEER, INK = "#c2410c", "#94a3b8", "#1c1917"
LABEL, PANEL, ROW, TOP = 260, 300, 24, 34  # pixels, as `label` below


def bars(panels: Mapping[str, Mapping[str, Mapping]], ours: Collection[str], label: int = LABEL) -> str:
  """panels: metric -> system -> {mean, low, high}, the same systems in each; those of `ours` stand out. label: of names."""
  systems = list(next(iter(panels.values())))
  width, height = label + PANEL * len(panels), TOP + ROW * len(systems) + 8
  parts = [
    f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
    f'font-family="system-ui, sans-serif" font-size="12" fill="{INK}">',
    f'<rect width="{width}" height="{height}" fill="#fff"/>',
  ]
  for row, name in enumerate(systems):
    weight = ' font-weight="bold"' if name in ours else ""
    y = TOP + ROW * row + 16
    parts.append(f'<text x="{label - 8}" y="{y}" text-anchor="end"{weight}>{html.escape(name)}</text>')
  for number, (metric, cells) in enumerate(panels.items()):
    left = label + PANEL * number
    parts.append(f'<text x="{left}" y="20" font-weight="bold">{html.escape(metric)}</text>')
    most = max((cell["high"] or cell["mean"] or 0 for cell in cells.values()), default=0) or 1
    scale = (PANEL - 60) / most
    for row, name in enumerate(systems):
      parts += _bar(cells[name], left, TOP + ROW * row, scale, OURS if name in ours else PEER)
  return "\n".join([*parts, "</svg>"]) + "\n"


def _bar(cell: Mapping, x: float, y: float, scale: float, colour: str) -> list[str]:
  mean = cell["mean"] or 0.0
  low, high = (mean if end is None else end for end in (cell["low"], cell["high"]))
  middle = y + 12
  return [
    f'<rect x="{x}" y="{y + 4}" width="{mean * scale:.1f}" height="16" fill="{colour}"/>',
    f'<path d="M{x + low * scale:.1f} {middle}H{x + high * scale:.1f}" stroke="{INK}" stroke-width="1.5"/>',
    f'<text x="{x + high * scale + 6:.1f}" y="{y + 16}">{mean:.4f}</text>',
  ]
