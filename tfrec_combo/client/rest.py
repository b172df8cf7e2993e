"""The client over REST: numpy and an HTTP library, no TensorFlow."""

import base64
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

import numpy as np
import requests

from tfrec_combo.base.errors import ConfigError, fault
from tfrec_combo.client import signatures
from tfrec_combo.client.client import Client
from tfrec_combo.client.retry import ServerError
from tfrec_combo.client.signatures import Signature, Tensor

CONNECT = 2.0  # seconds; a server that is there answers sooner
# HTTP statuses that have one code each; 400 has three, told apart by nobody.
CODES = {
  400: "INVALID_ARGUMENT",
  401: "UNAUTHENTICATED",
  403: "PERMISSION_DENIED",
  404: "NOT_FOUND",
  409: "ABORTED",
  413: "INVALID_ARGUMENT",
  429: "RESOURCE_EXHAUSTED",
  501: "UNIMPLEMENTED",
  503: "UNAVAILABLE",
  504: "DEADLINE_EXCEEDED",
}
AGAIN = (429, 503)


class RestClient(Client):
  """A `Client` over REST.

  Args:
    url: of the server, such as "http://127.0.0.1:8501".
    model: its name there.
    version: a version's number; label: or a label; neither: the newest.
    token: bearer token, where the server wants one.
    verify: certificates to trust besides the system's, as a PEM file; see requests.
  """

  def __init__(
    self,
    url: str,
    model: str,
    *,
    version: int | None = None,
    label: str | None = None,
    token: str | None = None,
    verify: str | bool = True,
    timeout: float = 5.0,
    retries: int = 3,
  ):
    super().__init__(timeout, retries)
    if not url.startswith(("http://", "https://")):
      raise ConfigError(fault("url", "must begin with http:// or https://", url, "name server and port"))
    if version is not None and label is not None:
      raise ConfigError(fault("label", "must not be given with a version", label, "give one of them"))
    which = f"/versions/{version}" if version is not None else ""
    which = f"/labels/{urllib.parse.quote(label, safe='')}" if label is not None else which
    self._url = f"{url.rstrip('/')}/v1/models/{urllib.parse.quote(model, safe='')}{which}"
    self._session = requests.Session()
    self._verify = verify  # given with each request: of a session, an environment variable would win
    if token is not None:
      self._session.headers["Authorization"] = f"Bearer {token}"

  def close(self) -> None:
    """Lets the connections go."""
    self._session.close()

  def _metadata(self, seconds: float) -> Mapping[str, Signature]:
    return signatures.read(self._ask("GET", "/metadata", None, seconds))

  def _predict(
    self, name: str, signature: Signature, inputs: Mapping[str, np.ndarray], seconds: float
  ) -> dict[str, np.ndarray]:
    asked = {"signature_name": name, "inputs": {k: v.tolist() for k, v in inputs.items()}}
    said = self._ask("POST", ":predict", json.dumps(asked, ensure_ascii=False).encode(), seconds)["outputs"]
    if len(signature.outputs) == 1:  # TF Serving drops the name of the only one
      said = {next(iter(signature.outputs)): said}
    return {key: _array(said[key], tensor) for key, tensor in signature.outputs.items()}

  def _ask(self, method: str, path: str, body: bytes | None, seconds: float) -> Any:
    try:
      response = self._session.request(
        method,
        self._url + path,
        data=body,
        headers={"Content-Type": "application/json"} if body else None,
        timeout=(min(CONNECT, seconds), seconds),
        verify=self._verify,
      )
    except requests.Timeout as e:
      raise ServerError("DEADLINE_EXCEEDED", f"{self._url} did not answer within {seconds:.1f} s") from e
    except requests.ConnectionError as e:
      raise ServerError("UNAVAILABLE", f"{self._url} cannot be reached: {_reason(e)}", again=True) from e
    if response.status_code == 200:
      try:
        return response.json()
      except requests.JSONDecodeError as e:
        raise ServerError("INTERNAL", f"{self._url} answered no JSON: {_reason(e)}") from e
    raise _refusal(response)


def _refusal(response: requests.Response) -> ServerError:
  try:
    message = response.json()["error"]
  except (requests.JSONDecodeError, KeyError, TypeError):
    message = response.text[:200]
  status, wait = response.status_code, response.headers.get("Retry-After", "")
  code = CODES.get(status, "UNKNOWN")
  return ServerError(code, message, status in AGAIN, float(wait) if wait.isdigit() else 0.0)


def _array(value: Any, tensor: Tensor) -> np.ndarray:
  if tensor.dtype != object:
    return np.array(value, tensor.dtype)
  return np.array(_texts(value), object)


def _texts(value: Any) -> Any:
  return [_texts(v) for v in value] if isinstance(value, list) else _text(value)


def _text(value: Any) -> str:
  if isinstance(value, dict):
    return base64.b64decode(value["b64"]).decode("utf-8", "replace")
  return value


def _reason(error: Exception) -> str:
  return " ".join(str(error).split())[:200]
