"""Runs notebooks as a stranger would. To remake the saved outputs: `python -m tests.notebooks [--small] [NAME ...]`."""

import argparse
import json
import os
import pathlib
import re
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence

import nbformat
import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync
from nbclient import NotebookClient

from tests import pictures

# What a reader of outputs should never meet: folders of a machine, noise of libraries.
UNWANTED = re.compile(
  r"/home/|/root/|/tmp/|/Users/|/work/|site-packages|Warning|WARNING|Traceback|\x1b\[|^[EIWF]\d{4} ", re.M
)
ROOT = pathlib.Path(__file__).parents[1]
# Those that export a model or serve two, each minutes of a core: the suite's own time is kept for what nothing else holds.
LONG = pytest.mark.skipif(not os.environ.get("TFREC_COMBO_NOTEBOOKS"), reason="run by `make test-notebooks`")
NOTEBOOKS = sorted((ROOT / "colab").glob("*.ipynb"))
CONTROL = re.compile(
  r"\x1b\[[?0-9;]*[A-Za-z]"
)  # colours and the cursor's moves, which not every front end hides


class Kernel:
  """An IPython kernel on this interpreter, which runs notebooks in `folder`, each in a namespace of its own.

  small: the small setting. first: folders that its imports look into before all others.
  """

  def __init__(self, folder: pathlib.Path, small: bool, first: Sequence[pathlib.Path] = ()):
    self._folder, self._specs = folder, tempfile.TemporaryDirectory()
    kernel = pathlib.Path(self._specs.name) / "here"
    kernel.mkdir()
    # As in Colab, what C++ writes past Python does not become an output.
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {
      "argv": [*argv, "--IPKernelApp.capture_fd_output=False"],
      "display_name": "here",
      "language": "python",
    }
    (kernel / "kernel.json").write_text(json.dumps(spec))
    self._manager = AsyncKernelManager(
      kernel_name="here", kernel_spec_manager=KernelSpecManager(kernel_dirs=[self._specs.name])
    )
    env = {k: v for k, v in os.environ.items() if k != "TFREC_COMBO_SMALL"}
    paths = [*map(str, first), str(ROOT), *filter(None, [env.get("PYTHONPATH")])]
    env["PYTHONPATH"] = os.pathsep.join(paths)
    self._env = env | ({"TFREC_COMBO_SMALL": "1"} if small else {})

  def __enter__(self) -> "Kernel":
    return self

  def __exit__(self, *exc: object) -> None:
    if self._manager.has_kernel:
      run_sync(self._manager.shutdown_kernel)(now=True)
    self._specs.cleanup()

  def run(
    self, path: pathlib.Path, before: Mapping[str, str] | None = None, timeout: int = 1800
  ) -> nbformat.NotebookNode:
    """The notebook with fresh outputs. before: tag -> a cell that is run before the one of that tag, and is not kept."""
    if self._manager.has_kernel:
      self.ask("%reset -f")
    notebook = nbformat.read(path, as_version=4)
    cells = notebook.cells
    added = {tag: nbformat.v4.new_code_cell(source) for tag, source in (before or {}).items()}
    notebook.cells = [
      one for c in cells for one in (*(added[t] for t in c.metadata.get("tags", []) if t in added), c)
    ]
    self._execute(notebook, timeout)
    notebook.cells = cells
    for cell in notebook.cells:
      for output in cell.get("outputs", []):
        if "text" in output:
          output["text"] = _plain(output["text"])
        if "text/plain" in output.get("data", {}):
          output["data"]["text/plain"] = _plain(output["data"]["text/plain"])
    return notebook

  def ask(self, source: str, timeout: int = 600) -> str:
    """What a cell prints in the namespace of the notebook that was run last."""
    asked = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    self._execute(asked, timeout)
    return "".join(o.get("text", "") for o in asked.cells[0].outputs)

  def _execute(self, notebook: nbformat.NotebookNode, timeout: int) -> None:
    client = NotebookClient(
      notebook,
      km=self._manager,
      timeout=timeout,
      coalesce_streams=True,  # a bar redrawn a hundred times is one line
      record_timing=False,
      store_widget_state=False,
      resources={"metadata": {"path": str(self._folder)}},
    )
    client.execute(env=self._env)


def execute(path: pathlib.Path, folder: pathlib.Path, small: bool) -> nbformat.NotebookNode:
  """The notebook with fresh outputs; it runs in `folder`, in a kernel of its own."""
  with Kernel(folder, small) as kernel:
    return kernel.run(path)


def outputs(notebook: nbformat.NotebookNode, tag: str | None = None) -> list[nbformat.NotebookNode]:
  """Outputs of the code cells, of those marked with `tag` alone if it is given."""
  cells = [c for c in notebook.cells if c.cell_type == "code"]
  return [o for c in cells if tag is None or tag in c.metadata.get("tags", []) for o in c.outputs]


def text(notebook: nbformat.NotebookNode, tag: str | None = None) -> str:
  """What those outputs say in characters."""
  return "\n".join(
    o.get("text", "") + "\n".join(o.get("traceback", [])) + o.get("data", {}).get("text/plain", "")
    for o in outputs(notebook, tag)
  )


def noise(notebook: nbformat.NotebookNode) -> list[str]:
  """What it says that nobody should read."""
  return UNWANTED.findall(text(notebook))


def _plain(text: str) -> str:
  """What a screen would show in the end: no control sequences, nor what a spinner or a bar drew over."""
  text = text.replace("\r\n", "\n")
  text = re.sub(r"[^\n]*\n(?:\x1b\[\?25h)?\r?\x1b\[1A\x1b\[2K", "", text)  # up a line, and that erased
  text = CONTROL.sub("", re.sub(r"[^\n]*\x1b\[2K", "", text))
  return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def _stop(*_: object) -> None:
  raise SystemExit(1)  # so that a kernel under way is ended, too


def main() -> None:
  """Executes notebooks and saves each with its outputs."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("names", nargs="*", metavar="NAME", help="the beginning of a file's name; none: all")
  parser.add_argument("--small", action="store_true", help="the small setting")
  parser.add_argument("--folder", help="where they run and leave their work; none: a temporary folder")
  parser.add_argument("--no-pictures", action="store_true", help="do not draw plots for where nothing does")
  parser.add_argument("--out", help="where they are saved; none: over what was run")
  args = parser.parse_args()
  signal.signal(signal.SIGTERM, _stop)
  chosen = [p for p in NOTEBOOKS if not args.names or p.name.startswith(tuple(args.names))]
  with tempfile.TemporaryDirectory() as temporary:
    folder = pathlib.Path(args.folder or temporary)
    folder.mkdir(parents=True, exist_ok=True)
    for path in chosen:
      start = time.monotonic()
      notebook = execute(path, folder, args.small)
      print(f"{path.name}: {time.monotonic() - start:.0f} s", flush=True)
      if not args.no_pictures:
        pictures.add(notebook)
      nbformat.write(notebook, pathlib.Path(args.out or path.parent) / path.name)


if __name__ == "__main__":
  main()
