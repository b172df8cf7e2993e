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

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from tests import pictures

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "colab").glob("*.ipynb"))
CONTROL = re.compile(
  r"\x1b\[[?0-9;]*[A-Za-z]"
)  # colours and the cursor's moves, which not every front end hides


def execute(
  path: pathlib.Path, folder: pathlib.Path, small: bool, timeout: int = 1800
) -> nbformat.NotebookNode:
  """The notebook with fresh outputs; it runs in `folder`, on this interpreter."""
  notebook = nbformat.read(path, as_version=4)
  with tempfile.TemporaryDirectory() as specs:
    kernel = pathlib.Path(specs) / "here"
    kernel.mkdir()
    # As in Colab, what C++ writes past Python does not become an output.
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    spec = {
      "argv": [*argv, "--IPKernelApp.capture_fd_output=False"],
      "display_name": "here",
      "language": "python",
    }
    (kernel / "kernel.json").write_text(json.dumps(spec))
    manager = AsyncKernelManager(
      kernel_name="here", kernel_spec_manager=KernelSpecManager(kernel_dirs=[specs])
    )
    client = NotebookClient(
      notebook,
      km=manager,
      timeout=timeout,
      coalesce_streams=True,  # a bar redrawn a hundred times is one line
      record_timing=False,
      store_widget_state=False,
      resources={"metadata": {"path": str(folder)}},
    )
    env = {k: v for k, v in os.environ.items() if k != "TFREC_COMBO_SMALL"}
    env["PYTHONPATH"] = os.pathsep.join([str(ROOT), *filter(None, [env.get("PYTHONPATH")])])
    client.execute(env=env | ({"TFREC_COMBO_SMALL": "1"} if small else {}))
  for cell in notebook.cells:
    for output in cell.get("outputs", []):
      if "text" in output:
        output["text"] = _plain(output["text"])
      if "text/plain" in output.get("data", {}):
        output["data"]["text/plain"] = _plain(output["data"]["text/plain"])
  return notebook


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
