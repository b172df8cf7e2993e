"""docs/configuration.md: every setting with its type, range, default and comment, from the config types themselves."""

import ast
import inspect
import io
import json
import tokenize

from tfrec_combo.base import config, settings

HEAD = """# Configuration

A run is one YAML file: sections of settings, every one of which may be left out. An unknown key is an error that names the known
ones, and `--set SECTION.KEY=VALUE` overrides one for a call. Paths below `data` are taken from the file's folder. The sections:

{sections}

`tfrec-combo init` writes a first file from your tables. A small shop:

```yaml
name: my_shop
data:
  source: tables
  products:
    path: products.csv
    columns: {{product_id: sku, text: [name, description]}}
  events:
    path: orders.csv
    columns: {{user_id: customer, order_id: receipt, product_id: sku, timestamp: time}}
retrieval: {{epochs: 8}}
evaluation: {{k: [10, 20]}}
```
"""
COLUMNS = "| setting | type | default | what it is |\n| --- | --- | --- | --- |"


def page() -> str:
  """The page as Markdown."""
  fields = config.Config.model_fields
  sections = {name: f.annotation for name, f in fields.items() if _is_section(f.annotation)}
  listed = [f"- [{name}](#{name}): {_says(kind)[0]}" for name, kind in sections.items()]
  parts = [
    HEAD.format(sections="\n".join(listed)),
    "## At the top\n\n" + _table(config.Config, set(sections)),
  ]
  for name, kind in sections.items():
    said = "\n\n".join(_says(kind)[1])
    parts.append(f"## {name}\n\n{said}\n\n{_table(kind)}")
    if name == "data":
      told = "\n\n".join(_says(settings.Table)[1])
      parts.append(f"## A table of data\n\n{told}\n\n{_table(settings.Table)}")
  return "\n".join(parts)


def _is_section(kind: object) -> bool:
  return isinstance(kind, type) and issubclass(kind, settings.Section)


def _says(kind: type) -> tuple[str, list[str]]:
  """The first sentence of a docstring, and its paragraphs."""
  parts = [" ".join(part.split()) for part in inspect.cleandoc(kind.__doc__ or "").split("\n\n")]
  return parts[0].partition(". ")[0].rstrip("."), parts


def _table(kind: type[settings.Section], left_out: frozenset[str] | set[str] = frozenset()) -> str:
  told, notes = kind.model_json_schema(), comments(kind)
  known = told.get("$defs", {})
  rows = []
  for name, field in told["properties"].items():
    if name in left_out:
      continue
    default = kind.model_fields[name].get_default(call_default_factory=True)
    required = kind.model_fields[name].is_required()
    shown = "required" if required else f"`{_default(default)}`"
    rows.append(f"| `{name}` | {_type(field, known)} | {shown} | {_cell(notes.get(name, ''))} |")
  return "\n".join([COLUMNS, *rows]) + "\n"


def _default(value: object) -> str:
  plain = list(value) if isinstance(value, tuple) else value
  return json.dumps(plain, default=str)


def _type(field: dict, known: dict) -> str:
  if "$ref" in field:
    name = field["$ref"].rpartition("/")[2]
    return "a table" if name == "Table" else name
  if "anyOf" in field:
    return " or ".join(_type(one, known) for one in field["anyOf"])
  if "enum" in field:
    return ", ".join(f"`{one}`" for one in field["enum"])
  if "const" in field:
    return f"`{field['const']}`"
  kind = field.get("type", "anything")
  if kind == "array":
    items = field.get("items") or (field.get("prefixItems") or [{}])[0]
    return f"list of {_type(items, known)}"
  if kind == "object":
    return "names by name"
  words = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "yes or no",
    "null": "none",
  }
  word = "date and time" if field.get("format") == "date-time" else words.get(kind, kind)
  limits = [("exclusiveMinimum", ">"), ("minimum", "≥"), ("exclusiveMaximum", "<"), ("maximum", "≤")]
  said = [f"{sign} {_number(field[key])}" for key, sign in limits if key in field]
  return f"{word} {' and '.join(said)}".strip()


def _number(value: float) -> str:
  return f"{value:g}" if isinstance(value, float) else f"{value:,}"


def comments(kind: type) -> dict[str, str]:
  """Setting -> the comment above it or behind it, as the source has them."""
  source = inspect.getsource(kind)
  said: dict[int, str] = {}
  alone: set[int] = set()
  for token in tokenize.generate_tokens(io.StringIO(source).readline):
    if token.type == tokenize.COMMENT:
      said[token.start[0]] = token.string.lstrip("# ").strip()
      if not token.line[: token.start[1]].strip():
        alone.add(token.start[0])
  found = {}
  (body,) = ast.parse(source).body
  for node in body.body:  # type: ignore[attr-defined]
    if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Name):
      continue
    first = node.lineno
    while first - 1 in alone:
      first -= 1
    end = node.end_lineno or node.lineno
    found[node.target.id] = " ".join(said[line] for line in range(first, end + 1) if line in said)
  return found


def _cell(text: str) -> str:
  return text.replace("|", "\\|").replace("<", "&lt;")
