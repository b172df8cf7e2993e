"""Each distinct text encoded once: many texts to vectors, fast, and kept on disk for the next run."""

import hashlib
import logging
import os
import pathlib
import zipfile
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from tfrec_combo.base import files
from tfrec_combo.base.stack import tf
from tfrec_combo.towers.text import TextTower

_FORMAT = 1  # of a page, and of what a tower makes of a text; another number forgets every page
_PAGE = 4096  # texts tokenized together and written together: what a killed run loses at most
_TOKENS = 8192  # in one step, padding included; bounds the memory of long texts
_DIGEST = 16  # bytes

_log = logging.getLogger(__name__)


def encode_all(
  tower: TextTower,
  texts: Sequence[str],
  folder: str | os.PathLike[str] | None,
  progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
  """Vectors of many texts, [S, W] float32 in the order given.

  Texts are encoded longest first in steps of `text.batch` rows of nearly one length, so that short ones cost
  little. One function of open shape serves all steps: one compiled a length (XLA) lost more than it won.

  Args:
    tower: its preset and T are part of the key under which vectors are kept.
    folder: pages of vectors are kept below it, written aside and renamed; None keeps nothing, and is the
      only choice for a tower in training, whose weights change.
    progress: called with the distinct texts that are done and their total.

  Raises:
    ValueError: a folder was given for a tower that is not frozen.
  """
  if folder is not None and tower.mode != "frozen":
    raise ValueError(f"folder must be None for a tower whose weights change, got mode {tower.mode}")
  number: dict[bytes, int] = {}
  distinct: list[str] = []
  rows = np.zeros(len(texts), np.int64)
  for i, text in enumerate(texts):
    rows[i] = number.setdefault(_digest(text), len(distinct))
    if rows[i] == len(distinct):
      distinct.append(text)

  vectors = np.zeros([len(distinct), tower.width], np.float32)
  cut, known = np.zeros(len(distinct), bool), np.zeros(len(distinct), bool)
  pages = _pages_of(tower, folder) if folder is not None else None
  for digests, page_vectors, page_cut in _kept(pages, tower.width):
    at = np.array([number.get(digest, -1) for digest in digests])
    asked = at >= 0
    vectors[at[asked]], cut[at[asked]], known[at[asked]] = page_vectors[asked], page_cut[asked], True
  cached = int(known.sum())

  done, step = cached, _compiled(tower)
  report = progress or (lambda done, total: None)
  report(done, len(distinct))
  digests = list(number)
  todo = sorted(np.flatnonzero(~known), key=lambda i: -len(distinct[i]))
  for start in range(0, len(todo), _PAGE):
    page = np.array(todo[start : start + _PAGE])
    tokens, lengths = (x.numpy() for x in tower.tokenize_counted(tf.constant([distinct[i] for i in page])))
    cut[page] = lengths > tower.tokens
    for batch in _batches(np.minimum(lengths, tower.tokens), tower.config.batch):
      vectors[page[batch]] = step(tf.constant(tokens[batch])).numpy()
      done += len(batch)
      report(done, len(distinct))
    if pages is not None:
      _keep(pages, [digests[i] for i in page], vectors[page], cut[page])

  tower.texts_cut = int(cut.sum())
  _log.info(
    "%d distinct texts: %d from the cache, %d encoded; %d cut at %d tokens",
    len(distinct), cached, len(todo), tower.texts_cut, tower.tokens,
  )  # fmt: skip
  return vectors[rows]


def _digest(text: str) -> bytes:
  return hashlib.blake2b(text.encode(), digest_size=_DIGEST).digest()


def _compiled(tower: TextTower) -> Callable[[tf.Tensor], tf.Tensor]:
  signature = [tf.TensorSpec([None, tower.tokens], tf.int32)]
  return tf.function(lambda tokens: tower(tokens, training=False), input_signature=signature, autograph=False)


def _batches(lengths: np.ndarray, most: int) -> Iterator[np.ndarray]:
  order = np.argsort(-lengths, kind="stable")
  start = 0
  while start < len(order):
    size = max(1, min(most, _TOKENS // int(lengths[order[start]])))
    yield order[start : start + size]
    start += size


def _pages_of(tower: TextTower, folder: str | os.PathLike[str]) -> pathlib.Path:
  key = {"format": _FORMAT, "preset": tower.fingerprint, "tokens": tower.tokens}
  return pathlib.Path(folder) / files.fingerprint(key)


def _keep(pages: pathlib.Path, digests: list[bytes], vectors: np.ndarray, cut: np.ndarray) -> None:
  names = np.frombuffer(b"".join(digests), np.uint8).reshape(-1, _DIGEST)
  name = hashlib.blake2b(names.tobytes(), digest_size=_DIGEST).hexdigest()
  with files.written_aside(pages / f"{name}.npz") as aside, open(aside, "wb") as f:
    np.savez(f, digests=names, vectors=vectors, cut=cut)


def _kept(pages: pathlib.Path | None, width: int) -> Iterator[tuple[list[bytes], np.ndarray, np.ndarray]]:
  for path in sorted(pages.glob("*.npz")) if pages is not None else ():
    try:
      with np.load(path, allow_pickle=False) as page:
        digests, vectors, cut = page["digests"], page["vectors"], page["cut"]
      shapes = (digests.shape, vectors.shape, cut.shape)
      if shapes != ((len(digests), _DIGEST), (len(digests), width), (len(digests),)):
        raise ValueError(f"its arrays have the shapes {shapes}")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as e:
      _log.warning("%s cannot be read and is left out, its texts are encoded again: %s", path, e)
      continue
    yield [row.tobytes() for row in digests], vectors, cut
