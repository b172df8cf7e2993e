"""Pictures of a notebook's plots, for where nothing draws them: on a code host, and in Colab before a run."""

import base64
import json
import pathlib
import tempfile

import nbformat
from plotly.offline import get_plotlyjs

from tests.browser import chromium

PLOT = "application/vnd.plotly.v1+json"
WIDTH = 940  # pixels, as wide as a notebook's outputs


def add(notebook: nbformat.NotebookNode) -> None:
  """Adds a PNG to each output that is a plot. Without Playwright and a Chromium it adds none, and says so."""
  found = [o.data for c in notebook.cells for o in c.get("outputs", []) if PLOT in o.get("data", {})]
  try:
    from playwright.sync_api import sync_playwright
  except ImportError:
    print("no pictures of plots: needs `pip install tfrec-combo[browser]`")
    return
  if not found or not chromium():
    print("no pictures of plots: there are none, or no Chromium is found")
    return
  with sync_playwright() as running, tempfile.TemporaryDirectory() as folder:
    browser = running.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": WIDTH, "height": 600})
    for data in found:
      file = pathlib.Path(folder) / "plot.html"
      plot = json.dumps({"data": data[PLOT]["data"], "layout": data[PLOT]["layout"]}).replace("</", "<\\/")
      draw = f"Plotly.newPlot('at', Object.assign({plot}, {{config: {{staticPlot: true}}}}))"
      body = "<body style='margin:0'><div id='at'></div>"
      file.write_text(
        f"<meta charset='utf-8'>{body}<script>{get_plotlyjs()}</script><script>{draw}</script>", "utf-8"
      )
      page.goto(file.as_uri())
      page.wait_for_selector("#at .main-svg")
      data["image/png"] = base64.b64encode(page.locator("#at .svg-container").screenshot()).decode()
    browser.close()
