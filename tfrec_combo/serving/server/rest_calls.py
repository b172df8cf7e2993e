"""TF Serving's REST calls: method, path and body in, JSON out. No HTTP here."""

import contextlib
import dataclasses
import json
import re
import urllib.parse
from collections.abc import Callable, Iterator
from json.encoder import encode_basestring

import numpy as np

from tfrec_combo.serving.server import describe, examples, json_in, json_out, json_values, predict
from tfrec_combo.serving.server.engine import Engine
from tfrec_combo.serving.server.status import invalid
from tfrec_combo.serving.server.storage import MOST
from tfrec_combo.serving.server.version import Version

_WHICH = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_FLAGS = re.IGNORECASE | re.ASCII
_ASK = re.compile(rf"/v1/models/(?P<name>[^/:]+){_WHICH}:(?P<verb>classify|regress|predict)", _FLAGS)
_TELL = re.compile(rf"/v1/models(?:/(?P<name>[^/:]+))?{_WHICH}(?P<metadata>/metadata)?", _FLAGS)


@dataclasses.dataclass
class Call:
  """One request, and what is learnt of it on the way, for metrics and the access log."""

  method: str
  path: str  # as it was sent, percent signs and all
  body: bytes
  deadline: float  # of time.monotonic
  api: str = ""
  model: str = ""
  version: int | None = None
  signature: str = ""


def answer(engine: Engine, call: Call) -> str:
  """The JSON that answers a call below /v1.

  Raises:
    Refused: it is malformed, names nothing that is served, or cannot be answered.
  """
  if call.method == "POST" and (found := _ASK.fullmatch(call.path)):
    call.api = found["verb"].capitalize()
    with _held(engine, call, found) as version:
      return _VERBS[call.api](engine, call, version)
  if call.method == "GET" and (found := _TELL.fullmatch(call.path)):
    call.api = "GetModelMetadata" if found["metadata"] else "GetModelStatus"
    if not found["name"]:
      raise invalid("Missing model name in request.")
    if found["metadata"]:
      with _held(engine, call, found) as version:
        return describe.metadata_json(call.model, version)
    call.model = urllib.parse.unquote(found["name"])
    # A label is not looked at, as in TF Serving.
    told = describe.status(engine.models, call.model, _number(found["version"]))
    return json.dumps(describe.to_dict(told), indent=1)
  raise invalid(f"Malformed request: {call.method} {call.path}")


@contextlib.contextmanager
def _held(engine: Engine, call: Call, found: re.Match[str]) -> Iterator[Version]:
  call.model = urllib.parse.unquote(found["name"])
  label = urllib.parse.unquote(found["label"]) if found["label"] else None
  with engine.models.held(call.model, _number(found["version"]), label) as version:
    call.version = version.number
    yield version


def _number(text: str | None) -> int | None:
  if text is not None and (len(text) > 30 or int(text) > MOST):
    raise invalid(f"Failed to convert version: {text} to numeric.")
  return None if text is None else int(text)


def _predict(engine: Engine, call: Call, version: Version) -> str:
  doc = json_in.document(call.body)
  call.signature = json_in.signature_name(doc) or predict.DEFAULT_SIGNATURE
  if call.signature not in version.model.signatures:
    raise invalid(f'Serving signature name: "{call.signature}" not found in signature def')
  rows = True

  def inputs(signature):
    nonlocal rows
    found, rows = json_in.tensors(doc, signature)
    return found

  found = engine.predict(call.model, version.model, call.signature, inputs, (), call.deadline)
  return json_out.predictions(found) if rows else json_out.outputs(found)


def _classify(engine: Engine, call: Call, version: Version) -> str:
  asked, given = _asked(call, version)
  found = examples.classify(engine, asked, given)
  pairs = lambda row: zip([encode_basestring(label) for label, _ in row], _decimals([s for _, s in row]))
  rows = ["[" + ", ".join(f"[{label}, {score}]" for label, score in pairs(row)) + "]" for row in found]
  return '{\n"results": [' + ",\n".join(rows) + "]\n}"


def _regress(engine: Engine, call: Call, version: Version) -> str:
  asked, given = _asked(call, version)
  return '{\n"results": [' + ", ".join(_decimals(examples.regress(engine, asked, given))) + "]\n}"


def _asked(call: Call, version: Version) -> tuple[examples.Asked, list[bytes]]:
  doc = json_in.document(call.body)
  call.signature = json_in.signature_name(doc) or predict.DEFAULT_SIGNATURE
  context = examples.from_json(doc["context"]).SerializeToString() if "context" in doc else b""
  given = doc.get("examples")
  if not isinstance(given, list) or not given:
    rule = "is an empty array" if given == [] else "is expected, a list of objects, and was not found"
    raise invalid(f"JSON Value: {json_values.shown(doc)} key 'examples' {rule}")
  found = [context + examples.from_json(one).SerializeToString() for one in given]
  return examples.Asked(call.model, version.model, call.signature, call.deadline), found


def _decimals(values: list[float]) -> list[str]:
  return json_out.decimals(np.array(values, np.float32))


_VERBS: dict[str, Callable[[Engine, Call, Version], str]] = {
  "Classify": _classify,
  "Regress": _regress,
  "Predict": _predict,
}
