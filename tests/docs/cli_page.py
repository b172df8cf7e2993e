"""docs/cli.md: every command, option and exit code, from the command line itself."""

import enum
import inspect
import pathlib
import re

import typer

from tfrec_combo.cli import main

HEAD = """# Command line

Each command's `--help` says the same in a terminal. In the order of a first use:

{commands}

**Output.** Answers go to stdout, progress and warnings to stderr. `--json` prints the answer as JSON, alone on stdout; `--quiet`
prints nothing but errors; both may stand together. Colours are left out in a pipe and where `NO_COLOR` is set.

**Errors** are one line on stderr; `--debug`, before or behind the command, shows the trace. What a command leaves with:

| code | meaning |
| ---: | --- |
{codes}

**Completion.** `--install-completion`, without a command, teaches bash, zsh or fish the commands and options; `--show-completion`
prints what it would install.
"""


def page() -> str:
  """The page as Markdown."""
  commands = typer.main.get_command(main.app).commands  # type: ignore[attr-defined]
  listed = [
    f"- [{name}](#{name}): {_words(command)[0].partition('. ')[0].rstrip('.')}"
    for name, command in commands.items()
  ]
  codes = [f"| {code} | {words} |" for code, words in main.EXIT_CODES.items()]
  parts = [HEAD.format(commands="\n".join(listed), codes="\n".join(codes))]
  return "\n".join([*parts, *(_command(name, command) for name, command in commands.items())])


def _words(command) -> list[str]:
  """Paragraphs of the help, without its examples."""
  parts = inspect.cleandoc(command.help).split("\n\n")
  return [" ".join(part.split()) for part in parts if not part.startswith("Example")]


def _command(name: str, command) -> str:
  examples = re.findall(r"Example: (.+)", inspect.cleandoc(command.help))
  arguments = [p for p in command.params if p.param_type_name == "argument"]
  options = [p for p in command.params if p.param_type_name == "option" and "--help" not in p.opts]
  shown = ["## " + name, *map(_escaped, _words(command)), "```bash\n" + "\n".join(examples) + "\n```"]
  rows = [f"| `{p.metavar or p.name.upper()}` | {_cell(p.help)} | |" for p in arguments]
  rows += [f"| {_names(p)} | {_cell(p.help)} | {_default(p)} |" for p in options]
  return (
    "\n\n".join([*shown, "\n".join(["| option | what it does | default |", "| --- | --- | --- |", *rows])])
    + "\n"
  )


def _names(option) -> str:
  names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
  value = "" if option.is_flag else f" {_kind(option)}"
  return names + value


def _kind(option) -> str:
  kind = option.type_descriptor.annotation
  if isinstance(kind, type) and issubclass(kind, enum.Enum):
    return _cell(" or ".join(choice.value for choice in kind))
  words = {int: "INTEGER", float: "NUMBER", str: "TEXT", pathlib.Path: "PATH"}
  return _cell(option.metavar or words.get(kind, "VALUE"))


def _default(option) -> str:
  value = option.default
  if value is None or value is False or value == () or callable(value):
    return "required" if option.required else ""
  return f"`{getattr(value, 'value', value)}`"


def _cell(text: str | None) -> str:
  return _escaped(" ".join((text or "").split())).replace("|", "\\|")


def _escaped(text: str) -> str:
  """Braces and angles of a help as text, its own code as code."""
  parts = re.split(r"(`[^`]*`)", text)
  return "".join(p if p.startswith("`") else p.replace("<", "&lt;").replace("*", "\\*") for p in parts)
