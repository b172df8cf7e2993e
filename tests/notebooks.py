"""Runs a notebook as a stranger would. To remake the saved outputs: `python -m tests.notebooks [--small] [FOLDER]`."""

import argparse
import json
import os
import pathlib
import re
import sys
import tempfile

import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

ROOT = pathlib.Path(__file__).parents[1]
NOTEBOOK = ROOT / "colab" / "01_quickstart.ipynb"
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
        output["text"] = CONTROL.sub("", output["text"])
      if "text/plain" in output.get("data", {}):
        output["data"]["text/plain"] = CONTROL.sub("", output["data"]["text/plain"])
  return notebook


def main() -> None:
  """Executes the notebook and saves it with its outputs."""
  parser = argparse.ArgumentParser(description=__doc__)
  parser.add_argument("--small", action="store_true", help="the small setting")
  parser.add_argument("folder", nargs="?", help="where it runs and leaves its work; none: a temporary folder")
  args = parser.parse_args()
  with tempfile.TemporaryDirectory() as temporary:
    folder = pathlib.Path(args.folder or temporary)
    folder.mkdir(parents=True, exist_ok=True)
    nbformat.write(execute(NOTEBOOK, folder, args.small), NOTEBOOK)


if __name__ == "__main__":
  main()
