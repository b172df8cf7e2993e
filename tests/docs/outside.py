"""A hook of the documentation's build: a link out of docs/ leads nowhere on a page, so it names the file of the clone."""

import re

OUT = re.compile(r"\[([^\]]+)\]\(\.\./([^)\s]+)\)")


def on_page_markdown(markdown: str, **_: object) -> str:
  """The page with `[words](../path)` as words and the path."""
  return OUT.sub(
    lambda m: f"{m[1]} (`{m[2]}` in the clone)" if m[1].rstrip("/") != m[2].rstrip("/") else f"`{m[2]}`",
    markdown,
  )
