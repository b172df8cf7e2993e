"""What this server answers over REST, as an OpenAPI 3.1 document: TF Serving's calls with the models' own inputs and outputs."""

import urllib.parse
from typing import Any

import numpy as np

from tfrec_combo import __version__
from tfrec_combo.serving.server.engine import Engine
from tfrec_combo.serving.server.models import Models
from tfrec_combo.serving.server.status import Refused
from tfrec_combo.serving.server.version import Version
from tfrec_combo.serving.signature import Signature, Spec

Json = dict[str, Any]

PATH = "/openapi.json"
_REFUSED = (400, 401, 404, 413, 429, 501, 503, 504)
_ERROR: Json = {"type": "object", "properties": {"error": {"type": "string"}}, "required": ["error"]}
_WORDS: Json = {"anyOf": [{"type": "string"}, {
  "type": "object", "properties": {"b64": {"type": "string", "contentEncoding": "base64"}}, "required": ["b64"],
  "additionalProperties": False}]}  # fmt: skip
_EXAMPLES: Json = {
  "type": "object",
  "properties": {
    "signature_name": {"type": "string"},
    "context": {"type": "object"},
    "examples": {"type": "array", "minItems": 1, "items": {"type": "object"}},
  },
  "required": ["examples"],
}


def document(engine: Engine) -> Json:
  """The document of what is served now: a signature that comes with the next version stands in the next document."""
  paths: Json = {
    "/healthz": {"get": _text("The process lives")},
    "/readyz": {"get": _text("Every model can answer", 503)},
  }
  for name in engine.models.names():
    paths |= _model(engine.models, name, engine.options.batch_rows)
  found: Json = {
    "openapi": "3.1.0",
    "info": {"title": "tfrec-combo", "version": __version__, "description": "TF Serving's REST API."},
    "paths": paths,
  }
  if engine.options.token is not None:
    found["components"] = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
    found["security"] = [{"token": []}]
  return found


def _model(models: Models, name: str, most_rows: int) -> Json:
  found: Json = {}
  base = f"/v1/models/{urllib.parse.quote(name, safe='')}"
  which: dict[str, list[Json]] = {"": []}
  which["/versions/{version}"] = [_in_path("version", {"type": "integer", "minimum": 0})]
  if labels := sorted(models.labels(name)):
    which["/labels/{label}"] = [_in_path("label", {"enum": labels})]
  try:
    with models.held(name, None, None) as version:
      predict = _asked(version, most_rows)
  except Refused:  # it has no version just now
    predict = {"type": "object"}
  for of, parameters in which.items():
    shared: Json = {"parameters": parameters} if parameters else {}
    found[base + of] = shared | {"get": _json("The state of each version", "model_version_status")}
    found[f"{base}{of}/metadata"] = shared | {"get": _json("The signatures", "metadata")}
    found[f"{base}{of}:predict"] = shared | {"post": _post("Run a signature", predict)}
    for verb in ("classify", "regress"):
      found[f"{base}{of}:{verb}"] = shared | {
        "post": _post(f"{verb.capitalize()} tf.Examples", _EXAMPLES, "results")
      }
  return found


def _asked(version: Version, most_rows: int) -> Json:
  """The body of a predict call: rows or columns of one of the signatures."""
  bodies = []
  for name, signature in version.model.signatures.items():
    named: Json = {"signature_name": {"const": name}}
    required = [] if name == "serving_default" else ["signature_name"]
    for key, values in (
      ("instances", _rows(signature, most_rows)),
      ("inputs", _columns(signature, most_rows)),
    ):
      bodies.append(
        {
          "type": "object",
          "title": f"{name}, {key}",
          "properties": named | {key: values},
          "required": [*required, key],
        }
      )
  return {"anyOf": bodies}


def _rows(signature: Signature, most: int) -> Json:
  row = _object(signature, {name: _tensor(spec.shape[1:], spec) for name, spec in signature.inputs.items()})
  return {"type": "array", "minItems": 1, "maxItems": most, "items": row | {"additionalProperties": False}}


def _columns(signature: Signature, most: int) -> Json:
  columns = {name: _tensor(spec.shape, spec) for name, spec in signature.inputs.items()}
  for column in columns.values():
    if column.get("type") == "array":
      column.setdefault("maxItems", most)
  return _object(signature, columns)


def _object(signature: Signature, properties: Json) -> Json:
  required = [name for name in signature.inputs if name not in signature.defaults]
  return {"type": "object", "properties": properties, "required": required}


def _tensor(shape: tuple[int | None, ...], spec: Spec) -> Json:
  if not shape:
    return _value(spec.dtype)
  sizes = {} if shape[0] is None else {"minItems": shape[0], "maxItems": shape[0]}
  return {"type": "array", "items": _tensor(shape[1:], spec)} | sizes


def _value(dtype: np.dtype) -> Json:
  if dtype.kind == "O":
    return dict(_WORDS)
  if dtype.kind == "b":
    return {"type": "boolean"}
  if dtype.kind in "iu":
    return {"type": "integer", "minimum": int(np.iinfo(dtype).min), "maximum": int(np.iinfo(dtype).max)}
  return {"type": "number"}


def _in_path(name: str, schema: Json) -> Json:
  return {"name": name, "in": "path", "required": True, "schema": schema}


def _post(summary: str, body: Json, *keys: str) -> Json:
  return _json(summary, *keys) | {
    "requestBody": {"required": True, "content": {"application/json": {"schema": body}}}
  }


def _json(summary: str, *keys: str) -> Json:
  answer = {"type": "object", "required": list(keys)}
  responses: Json = {
    "200": {"description": "The answer", "content": {"application/json": {"schema": answer}}}
  }
  for status in _REFUSED:
    responses[str(status)] = {"description": "Refused", "content": {"application/json": {"schema": _ERROR}}}
  return {"summary": summary, "responses": responses}


def _text(summary: str, *others: int) -> Json:
  said = {"content": {"text/plain": {"schema": {"type": "string"}}}}
  return {"summary": summary, "responses": {str(s): {"description": "", **said} for s in (200, *others)}}
