"""What is served, in TF Serving's messages: the state of each version, the signatures of one."""

import json
from typing import Any

from google.protobuf import json_format
from tensorflow_serving.apis import get_model_metadata_pb2, get_model_status_pb2

from tfrec_combo.serving.server.models import Models
from tfrec_combo.serving.server.version import Version

FIELD = "signature_def"  # the one metadata field there is


def status(models: Models, name: str, number: int | None) -> Any:
  """A GetModelStatusResponse, newest version first.

  Raises:
    Refused: there is no such model or version.
  """
  response = get_model_status_pb2.GetModelStatusResponse()
  for version in models.status(name, number):
    one = response.model_version_status.add(version=version.number, state=int(version.state))
    one.status.error_code = int(version.code)
    one.status.error_message = version.message
  return response


def signatures(version: Version) -> Any:
  """The SignatureDefMap of a held version."""
  found = get_model_metadata_pb2.SignatureDefMap()
  for name, definition in version.model.signature_defs.items():
    found.signature_def[name].CopyFrom(definition)
  return found


def metadata_json(name: str, version: Version) -> str:
  """The REST answer about a held version."""
  spec = {"name": name, "signature_name": "", "version": str(version.number)}
  said = {"model_spec": spec, "metadata": {FIELD: to_dict(signatures(version))}}
  return json.dumps(said, indent=1, ensure_ascii=False)


def to_dict(message: Any) -> dict[str, Any]:
  """A message as TF Serving prints it: field names as in the proto, defaults, too; 64-bit numbers are strings."""
  return json_format.MessageToDict(
    message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
  )
