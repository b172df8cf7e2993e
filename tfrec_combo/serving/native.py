"""Asks a SavedModel without Python: a small C++ program over the TensorFlow wheel's own library, which TF Serving is made of."""

import functools
import importlib.util
import os
import pathlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Mapping

import numpy as np

from tfrec_combo.base import files, saved_model
from tfrec_combo.base.errors import ModelError
from tfrec_combo.base.stack import tf
from tfrec_combo.export.checks.op_sets import SCANN, TEXT
from tfrec_combo.serving import golden
from tfrec_combo.serving.comparing import difference

SOURCE = pathlib.Path(__file__).with_name("run_signatures.cc")
COMPILER = "g++"
# As the wheel was built: another ABI or alignment does not link, or crashes.
FLAGS = ("-w", "-std=c++17", "-O1", "-D_GLIBCXX_USE_CXX11_ABI=1", "-DEIGEN_MAX_ALIGN_BYTES=64", "-DNDEBUG")
SECONDS = 600  # a run that takes longer hangs

# The library of tensorflow-text that holds what servers before 2.20 lack.
NEW_TEXT_LIBRARIES = ("_trimmer_ops.so", "_utf8_binarize_op.so")

Arrays = dict[str, np.ndarray]
_TENSOR = type(tf.make_tensor_proto(0))


class Runner:
  """The program, built once a TensorFlow version (half a minute) and kept in the user's cache folder.

  Building starts here and goes on beside this process; `ask` and `replay` wait for it.
  """

  def __init__(self) -> None:
    libraries = pathlib.Path(tf.sysconfig.get_lib())
    key = files.fingerprint([SOURCE.read_text(), tf.__version__, str(libraries), COMPILER, *FLAGS])
    self.program = _cache() / key / "run_signatures"
    self._building: subprocess.Popen[bytes] | None = None
    if not self.program.is_file():
      self.program.parent.mkdir(parents=True, exist_ok=True)
      # Two at once each write their own and rename it.
      self._aside = self.program.with_name(f".{os.getpid()}.aside")
      # The kernels register themselves: nothing refers to their library, and the linker would leave it out.
      linked = [
        f"-L{libraries}",
        "-Wl,--no-as-needed",
        "-l:libtensorflow_cc.so.2",
        "-l:libtensorflow_framework.so.2",
      ]
      include, rpath = f"-I{tf.sysconfig.get_include()}", f"-Wl,-rpath,{libraries}"
      command = [COMPILER, *FLAGS, include, str(SOURCE), "-o", str(self._aside), *linked, rpath]
      self._building = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

  def ask(
    self, folder: pathlib.Path, cases: Mapping[str, tuple[str, Arrays]], without: Iterable[str] = ()
  ) -> dict[str, Arrays]:
    """Answers by case name of (signature, inputs), in one process that loads the model once.

    Args:
      without: op libraries that are not loaded, by file name, as of a server that does not link them.

    Raises:
      ModelError: the model does not load or a signature fails; it has TensorFlow's line.
    """
    self._built()
    with tempfile.TemporaryDirectory() as place:
      asked, answered = pathlib.Path(place, "cases"), pathlib.Path(place, "out")
      answered.mkdir()
      for case, (signature, inputs) in cases.items():
        (asked / case).mkdir(parents=True)
        (asked / case / "signature").write_text(signature)
        for name, value in inputs.items():
          (asked / case / f"in.{name}").write_bytes(_proto(value))
      libraries = [f"--lib={path}" for path in op_libraries(folder) if path.name not in set(without)]
      command = [str(self.program), str(folder), str(asked), str(answered), *libraries]
      done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
      if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        said = lines[-1] if lines else f"exit code {done.returncode}"
        raise ModelError(f"{folder} does not serve without Python: {said[:300]}; export it again")
      found: dict[str, Arrays] = {case: {} for case in cases}
      for path in answered.iterdir():
        case, _, name = path.name.rpartition(".")
        found[case][name] = tf.make_ndarray(_TENSOR.FromString(path.read_bytes()))
    return found

  def replay(self, folder: pathlib.Path) -> dict[str, float]:
    """As `golden.replay`, without Python: the largest difference of any number from the live model's answers, by signature.

    Raises:
      ModelError: see `ask`; or an answer differs.
    """
    wanted = golden.requests(folder)
    answers = self.ask(folder, {name: (name, inputs) for name, (inputs, _) in wanted.items()})
    when = "before the export, asked without Python"
    worst = {n: difference(n, expected, answers[n], when) for n, (_, expected) in wanted.items()}
    with files.written_aside(self._answered(folder)) as aside:
      aside.write_text("\n".join(sorted(_ops_of(folder))) + "\n")
    return worst

  def lacks(self, folder: pathlib.Path) -> bool:
    """Whether no model of the same ops, by the same op libraries, was replayed before on this machine."""
    return not self._answered(folder).is_file()

  def _answered(self, folder: pathlib.Path) -> pathlib.Path:
    """The file that tells of a replay of these ops."""
    libraries = [(str(path), path.stat().st_mtime_ns) for path in op_libraries(folder)]
    return self.program.parent / f"{files.fingerprint([sorted(_ops_of(folder)), libraries])}.ops"

  def _built(self) -> None:
    if self._building is None:
      return
    said = self._building.communicate()[1].decode(errors="replace")
    if self._building.returncode:
      self._aside.unlink(missing_ok=True)
      lines = [line for line in said.splitlines() if "error" in line] or said.splitlines() or ["no message"]
      raise ModelError(
        f"{COMPILER} does not build {SOURCE.name}: {lines[0][:300]}; mend it, or set export.native_check=off"
      )
    os.replace(self._aside, self.program)
    self._building = None


def available() -> bool:
  """Whether there is a compiler to build the program with."""
  return shutil.which(COMPILER) is not None


@functools.cache
def _ops(folder: pathlib.Path, changed: int) -> frozenset[str]:
  return frozenset(saved_model.ops(saved_model.meta_graph(folder)))


def _ops_of(folder: pathlib.Path) -> frozenset[str]:
  return _ops(folder, (folder / "saved_model.pb").stat().st_mtime_ns)


def op_libraries(folder: pathlib.Path) -> list[pathlib.Path]:
  """The libraries that hold the ops of a SavedModel, as installed: of tensorflow-text all, or none."""
  ops = _ops_of(folder)
  found = []
  if ops & TEXT:
    found += sorted(_package("tensorflow_text").glob("python/ops/*.so"))
  if ops & SCANN:
    found.append(_package("scann") / "scann_ops" / "cc" / "_scann_ops.so")
  return found


def _package(name: str) -> pathlib.Path:
  spec = importlib.util.find_spec(name)
  if spec is None or not spec.submodule_search_locations:
    raise ModelError(f"{name} must be installed to ask this model; run `tfrec-combo doctor`")
  return pathlib.Path(spec.submodule_search_locations[0])


def _proto(values: np.ndarray) -> bytes:
  text = values.dtype == object
  proto = tf.make_tensor_proto(
    values.ravel().tolist() if text else values, tf.string if text else None, values.shape
  )
  return proto.SerializeToString()


def _cache() -> pathlib.Path:
  home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
  return pathlib.Path(home) / "tfrec_combo" / "native"
