"""Requests and what TF Serving answers to them: REST rows, gRPC rows. See docs/serving.md for where this server differs.

REST: (name, method, path, body, status, answer). A dict is the whole body, a str is part of the error.
gRPC: (name, method, request in text format or made by a function, code name, answer).
"""

# ruff: noqa: E501  a row a line, or it is no table

import base64
import math

from tests.serving.fake_model import inputs

ODD, SHOP = "/v1/models/odd", "/v1/models/shop"
PREDICT = f"{ODD}:predict"
ROW = {name: value.tolist()[0] for name, value in inputs(1).items()}
BEST = [f"p{i}" for i in range(6)]
ANSWER = {
  "product_ids": BEST,
  "scores": [9.0, 8.0, 7.0, 6.0, 5.0, 4.0],
  "prices": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
}
ECHO = {"i64": 1, "i32": -2, "u8": 3, "f32": [0.5, 2], "f64": 0.1, "flag": True, "text": "tea"}
ECHOED = {**ECHO, "raw_bytes": {"b64": base64.b64encode(b"tea").decode()}}
HUGE = "9" * 40


def echo(**change):
  """A row of `echo` with something changed; None leaves a key out."""
  row = {k: v for k, v in {**ECHO, **change}.items() if v is not None}
  return {"signature_name": "echo", "instances": [row]}


def columns(**change):
  """As `echo`, by columns."""
  row = {k: [v] for k, v in {**ECHO, **change}.items() if v is not None}
  return {"signature_name": "echo", "inputs": row}


def named(name, **more):
  return {"signature_name": name, **more}


def status(version, state="AVAILABLE"):
  return {"version": version, "state": state, "status": {"error_code": "OK", "error_message": ""}}


REST = [
  # URLs
  ("status", "GET", ODD, None, 200, {"model_version_status": [status("2"), status("1")]}),
  ("status of 0001", "GET", f"{ODD}/versions/1", None, 200, {"model_version_status": [status("1")]}),
  ("status ignores a label", "GET", f"{ODD}/labels/x", None, 200, {"model_version_status": [status("2"), status("1")]}),
  ("status, any case", "GET", "/V1/Models/odd/Versions/2", None, 200, {"model_version_status": [status("2")]}),
  ("status, a query string", "GET", f"{ODD}/versions/2?a=b", None, 200, {"model_version_status": [status("2")]}),
  ("status of no model", "GET", "/v1/models/none", None, 404, "Could not find any versions of model none"),
  ("status of no version", "GET", f"{ODD}/versions/7", None, 404, "Could not find version 7 of model odd"),
  ("status of a huge version", "GET", f"{ODD}/versions/{HUGE}", None, 400, "Failed to convert version"),
  ("a line break in a name", "GET", "/v1/models/a%0Ab", None, 404, "Could not find any versions of model a\nb"),
  ("a name in percents", "GET", "/v1/models/%6Fdd/versions/1", None, 200, {"model_version_status": [status("1")]}),
  ("no name", "GET", "/v1/models", None, 400, "Missing model name in request."),
  ("predict by GET", "GET", f"{ODD}:predict", None, 400, f"Malformed request: GET {ODD}:predict"),
  ("status by POST", "POST", ODD, {}, 400, f"Malformed request: POST {ODD}"),
  ("PUT", "PUT", f"{ODD}:predict", {}, 400, f"Malformed request: PUT {ODD}:predict"),
  ("DELETE", "DELETE", ODD, None, 400, "Malformed request: DELETE"),
  ("an unknown verb", "POST", f"{ODD}:explain", {}, 400, "Malformed request: POST"),
  ("a version that is no number", "POST", f"{ODD}/versions/x:predict", {}, 400, "Malformed request"),
  ("a slash behind", "GET", f"{ODD}/", None, 400, "Malformed request"),
  ("another path of /v1", "GET", "/v1/other", None, 400, "Malformed request: GET /v1/other"),
  ("another path", "GET", "/other", None, 404, None),
  ("the root", "GET", "/", None, 404, None),
  # Versions and labels
  ("the newest version", "POST", PREDICT, {"instances": [1, 2.5]}, 200, {"predictions": [3.0, 7.5]}),
  ("a version", "POST", f"{ODD}/versions/1:predict", {"instances": [1]}, 200, {"predictions": [2.0]}),
  ("a version with zeros", "POST", f"{ODD}/versions/0001:predict", {"instances": [1]}, 200, {"predictions": [2.0]}),
  ("a label", "POST", f"{ODD}/labels/stable:predict", {"instances": [1]}, 200, {"predictions": [2.0]}),
  ("the canary", "POST", f"{ODD}/labels/canary:predict", {"instances": [1]}, 200, {"predictions": [3.0]}),
  ("an unknown label", "POST", f"{ODD}/labels/x:predict", {"instances": [1]}, 400, "Unrecognized servable version label: x"),
  ("an unknown version", "POST", f"{ODD}/versions/3:predict", {"instances": [1]}, 404, "Servable not found for request: Specific(odd, 3)"),
  ("an unknown model", "POST", "/v1/models/m:predict", {"instances": [1]}, 404, "Servable not found for request: Latest(m)"),
  # The formats
  ("rows of objects", "POST", f"{SHOP}:predict", {"instances": [ROW, ROW]}, 200, {"predictions": [ANSWER, ANSWER]}),
  ("columns", "POST", f"{SHOP}:predict", {"inputs": {k: [v] for k, v in ROW.items()}}, 200, {"outputs": {k: [v] for k, v in ANSWER.items()}}),
  ("one input, an object a row", "POST", PREDICT, {"instances": [{"x": 1}]}, 200, {"predictions": [3.0]}),
  ("one input, a bare column", "POST", PREDICT, {"inputs": [1, 2]}, 200, {"outputs": [3.0, 6.0]}),
  ("a scalar by columns", "POST", PREDICT, named("scalar", inputs=2), 200, {"outputs": 6.0}),
  ("every type by rows", "POST", PREDICT, echo(), 200, {"predictions": [ECHOED]}),
  ("every type by columns", "POST", PREDICT, columns(), 200, {"outputs": {k: [v] for k, v in ECHOED.items()}}),
  ("extra keys by columns", "POST", PREDICT, {"inputs": {"x": [1], "z": [2]}}, 200, {"outputs": [3.0]}),
  ("extra keys of the request", "POST", PREDICT, {"instances": [1], "z": 1}, 200, {"predictions": [3.0]}),
  ("bytes behind the JSON", "POST", PREDICT, b'{"instances": [1]} {"more"', 200, {"predictions": [3.0]}),
  ("b64", "POST", PREDICT, named("strings", inputs=[[{"b64": "dGVh"}]]), 200, {"outputs": [["tea"]]}),
  ("b64 alone is a value", "POST", PREDICT, named("strings", instances=[[{"b64": "dGVh"}, "x"]]), 200, {"predictions": [["tea", "x"]]}),
  ("text beyond ASCII", "POST", PREDICT, echo(text="grüner Tee 茶"), 200, {"predictions": [{**ECHOED, "text": "grüner Tee 茶", "raw_bytes": {"b64": base64.b64encode("grüner Tee 茶".encode()).decode()}}]}),
  ("an input left to its default", "POST", PREDICT, named("add", inputs={"x": [1, 2]}), 200, {"outputs": [11.0, 12.0]}),
  ("a default left out of rows", "POST", PREDICT, named("add", instances=[{"x": 1}, {"x": 2}]), 200, {"predictions": [11.0, 12.0]}),
  ("a default given", "POST", PREDICT, named("add", inputs={"x": [1], "plus": [1]}), 200, {"outputs": [2.0]}),
  ("Infinity", "POST", PREDICT, b'{"instances": [Infinity, -Infinity]}', 200, {"predictions": [math.inf, -math.inf]}),
  ("six digits", "POST", PREDICT, named("scalar", inputs=0.1), 200, {"outputs": 0.3}),
  ("no rows by columns", "POST", PREDICT, {"inputs": []}, 200, {"outputs": []}),
  ("empty lists inside", "POST", PREDICT, named("strings", inputs=[[], []]), 200, {"outputs": [[], []]}),
  # What breaks the format
  ("no body", "POST", PREDICT, b"", 400, "JSON Parse error: The document is empty"),
  ("no JSON", "POST", PREDICT, b'{"instances": [1,]}', 400, "at offset: 17"),
  ("no object", "POST", PREDICT, b"[1]", 400, "Is not object"),
  ("neither format", "POST", PREDICT, {}, 400, "Missing 'inputs' or 'instances' key"),
  ("both formats", "POST", PREDICT, {"instances": [1], "inputs": [1]}, 400, "expecting only one of"),
  ("no rows", "POST", PREDICT, {"instances": []}, 400, "No values in 'instances' array"),
  ("instances that are no list", "POST", PREDICT, {"instances": 1}, 400, "Excepting 'instances' to be an list/array"),
  ("an unknown signature", "POST", PREDICT, named("x", instances=[1]), 400, 'Serving signature name: "x" not found in signature def'),
  ("the init op is no signature", "POST", PREDICT, named("__saved_model_init_op", inputs=[]), 400, "not found in signature def"),
  ("a signature that is no string", "POST", PREDICT, named(1, instances=[1]), 400, "'signature_name' key must be a string value."),
  ("a key missing in a row", "POST", PREDICT, echo(text=None), 400, "keys must be equal to: f32,f64,flag,i32,i64,text,u8"),
  ("a key too many in a row", "POST", PREDICT, echo(z=1), 400, "does not have named input: z"),
  ("a plain row for many inputs", "POST", f"{SHOP}:predict", {"instances": [1]}, 400, "instances is a plain list, but expecting list of objects"),
  ("a plain column for many inputs", "POST", f"{SHOP}:predict", {"inputs": [1]}, 400, "inputs is a plain value/list, but expecting an object"),
  ("objects, then a list", "POST", PREDICT, {"instances": [{"x": 1}, 2]}, 400, "Expecting object but got list at item 1"),
  ("a list, then an object", "POST", PREDICT, {"instances": [1, {"x": 2}]}, 400, "Expecting value/list but got object at item 1"),
  ("a column missing", "POST", PREDICT, columns(f64=None), 400, "Missing named input: f64 in 'inputs' object."),
  ("a string for a number", "POST", PREDICT, {"instances": ["1"]}, 400, 'Failed to process element: 0 of \'instances\' list. Error: INVALID_ARGUMENT: JSON Value: "1" Type: String is not of expected type: float'),
  ("a decimal for a whole number", "POST", PREDICT, echo(i64=1.0), 400, "JSON Value: 1.0 Type: Number is not of expected type: int64"),
  ("too large for int32", "POST", PREDICT, echo(i32=2**31), 400, "is not of expected type: int32"),
  ("too large for int64", "POST", PREDICT, echo(i64=2**63), 400, "is not of expected type: int64"),
  ("a number for a bool", "POST", PREDICT, echo(flag=1), 400, "is not of expected type: bool"),
  ("a bool for a number", "POST", PREDICT, {"instances": [True]}, 400, "is not of expected type: float"),
  ("null", "POST", PREDICT, {"instances": [None]}, 400, "Type: Null is not of expected type: float"),
  ("a number for a string", "POST", PREDICT, echo(text=1), 400, "is not of expected type: string"),
  ("too large for float", "POST", PREDICT, {"instances": [1e39]}, 400, "to float without loss of precision."),
  ("a whole number no float has", "POST", PREDICT, {"instances": [2**24 + 1]}, 400, "without loss of precision."),
  ("bad base64", "POST", PREDICT, echo(text={"b64": "*"}), 400, "Unable to base64 decode"),
  ("b64 and more", "POST", PREDICT, echo(text={"b64": "dGVh", "x": 1}), 400, "not formatted correctly for base64 data"),
  ("b64 for a number", "POST", PREDICT, echo(f64={"b64": "dGVh"}), 400, "Type: Object is not of expected type: double"),
  ("rows of other sizes", "POST", PREDICT, named("strings", instances=[["a"], ["a", "b"]]), 400, "Failed to process element: 1 of 'instances' list. Error: INVALID_ARGUMENT: Expecting tensor size: 1 but got: 2"),
  ("rows of other depths", "POST", PREDICT, named("strings", instances=[["a"], "a"]), 400, "Failed to process element: 1"),
  ("a ragged column", "POST", PREDICT, named("strings", inputs=[["a"], ["b", "c"]]), 400, "Encountered list at unexpected size: 2 at level: 1 expected size: 1"),
  ("a list too deep", "POST", PREDICT, {"inputs": [1, [2]]}, 400, "Encountered list at unexpected level: 1 expected < 1"),
  ("a value too shallow", "POST", PREDICT, named("strings", inputs=[["a"], "b"]), 400, "found at incorrect level: 2 in the JSON DOM. Expected at level: 2"),
  ("another shape", "POST", PREDICT, echo(f32=[1, 2, 3]), 400, "input f32 must be float32 [B, 2], got shape [1, 3]"),
  ("nested beyond reason", "POST", PREDICT, b'{"inputs": ' + b"[" * 3000, 400, "JSON Parse error"),
  ("a type JSON cannot give", "POST", PREDICT, named("half", inputs=[1]), 501, "Conversion of JSON Value: 1 to type: float16"),
  ("a scalar answer by rows", "POST", PREDICT, named("total", instances=[1]), 400, "Tensor name: sum has no shape information"),
  ("a scalar answer by columns", "POST", PREDICT, named("total", inputs=[1, 2]), 200, {"outputs": 3.0}),
  ("what the graph refuses", "POST", f"{SHOP}:predict", named("embed_queries", instances=[{**ROW, "query": "longer than seven"}]), 400, "query too long"),
  # Classify and Regress
  ("classify", "POST", f"{ODD}:classify", named("classify", examples=[{"x": 0.25}, {}]), 200, {"results": [[["low", 0.75], ["high", 0.25]], [["low", 1.0], ["high", 0.0]]]}),
  ("classify with a context", "POST", f"{ODD}:classify", named("classify", context={"x": 1.0}, examples=[{}]), 200, {"results": [[["low", 0.0], ["high", 1.0]]]}),
  ("regress", "POST", f"{ODD}/versions/1:regress", named("regress", examples=[{"x": [0.5]}, {"x": 2.0}]), 200, {"results": [1.0, 4.0]}),
  ("classify without examples", "POST", f"{ODD}:classify", named("classify"), 400, "'examples'"),
  ("classify no examples", "POST", f"{ODD}:classify", named("classify", examples=[]), 400, "is an empty array"),
  ("a feature of two kinds", "POST", f"{ODD}:classify", named("classify", examples=[{"x": [1, 0.5]}]), 400, "Unexpected element type in feature: x"),
  ("a feature that is null", "POST", f"{ODD}:classify", named("classify", examples=[{"x": None}]), 400, "Feature: x has element with unexpected JSON type"),
  ("classify by a predict signature", "POST", f"{SHOP}:classify", {"examples": [{"x": 1.0}]}, 400, "Expected one input Tensor."),
  ("regress by a predict signature", "POST", f"{ODD}:regress", {"examples": [{"x": 1.0}]}, 400, "No regression inputs found"),
]  # fmt: skip
