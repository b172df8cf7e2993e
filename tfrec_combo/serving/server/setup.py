"""What the command line says, checked: which model, which token, which TLS files."""

import pathlib

from tfrec_combo.base.errors import ConfigError, fault
from tfrec_combo.serving.server.config_file import Served


def one_model(
  base: pathlib.Path | None, name: str | None, config: pathlib.Path | None
) -> dict[str, Served] | None:
  """The model of --model-base-path, None where a config file names them.

  Raises:
    ConfigError: neither is given, or both.
  """
  if (base is None) == (config is None):
    got = "neither" if base is None else "both"
    rule = "or --model-config-file must be given, one of the two"
    raise ConfigError(fault("--model-base-path", rule, got, "write --model-base-path saved_models/<name>"))
  if base is None:
    return None
  if (base / "saved_model.pb").is_file():
    raise ConfigError(
      fault(
        "--model-base-path", "must hold versions, not be one", str(base), f"write {base.resolve().parent}"
      )
    )
  name = name or base.resolve().name
  if not name or "/" in name or ":" in name:
    raise ConfigError(fault("--model-name", "must have no / and :", name, "it stands in URLs"))
  return {name: Served(name, base.resolve())}


def token(path: pathlib.Path | None) -> str | None:
  """The bearer token in a file, None where no file is given.

  Raises:
    ConfigError: it cannot be read or is empty.
  """
  if path is None:
    return None
  try:
    found = path.read_text(encoding="utf-8").strip()
  except (OSError, UnicodeDecodeError) as e:
    raise ConfigError(fault("--token-file", "must be a file that can be read", str(path), str(e))) from None
  if not found:
    raise ConfigError(fault("--token-file", "must hold a token", "an empty file", "write one line to it"))
  return found


def check_tls(
  certificate: pathlib.Path | None, key: pathlib.Path | None, client_ca: pathlib.Path | None
) -> None:
  """Raises a ConfigError unless the certificate came with its key, both can be read, and a client CA not without them."""
  if (certificate is None) != (key is None) or (client_ca and not certificate):
    rule = "and --ssl-key must be given together, and with --ssl-client-ca"
    raise ConfigError(fault("--ssl-certificate", rule, str(certificate), "name both files"))
  for path in (certificate, key, client_ca):
    if path is not None and not path.is_file():
      raise ConfigError(
        fault("--ssl-certificate and --ssl-key", "must be files", str(path), "name PEM files")
      )
