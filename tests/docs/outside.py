"""Hooks of the documentation's build: links out of docs/, which lead nowhere on a page, and pages that the menu does not name."""

import pathlib
import re

OUT = re.compile(r"\[([^\]]+)\]\(\.\./([^)\s]+)\)")
TITLE = re.compile(r"^# (.+)$", re.M)


def on_config(config):
  """Puts pages that the menu leaves out at its end, under their own titles."""
  named = set(re.findall(r"[\w/]+\.md", str(config.nav)))
  for path in sorted(pathlib.Path(config.docs_dir).glob("*.md")):
    if path.name not in named:
      title = TITLE.search(path.read_text(encoding="utf-8"))
      config.nav.append({title[1] if title else path.stem: path.name})
  return config


def on_page_markdown(markdown: str, **_: object) -> str:
  """The page with `[words](../path)` as words and the path, which is in the clone."""
  named = lambda m: f"`{m[2]}`" if m[1].rstrip("/") == m[2].rstrip("/") else f"{m[1]} (`{m[2]}` in the clone)"
  return OUT.sub(named, markdown)
