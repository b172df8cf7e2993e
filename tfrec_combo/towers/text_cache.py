"""Each distinct text encoded once: many texts to vectors, fast, and kept on disk for the next run."""

import hashlib
import logging
import os
import pathlib
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from tfrec_combo.base import files
from tfrec_combo.base.stack import tf
from tfrec_combo.towers.text import TextTower

_FORMAT = 1  # of a page, and of what a tower makes of a text; another number forgets every page
_PAGE = 4096  # texts tokenized together and written together: what a killed run loses at most
_TOKENS = 8192  # in one step, padding included; bounds the memory of long texts
# From here on XLA saves more time than it takes to compile. Its steps have few shapes: lengths in eights, so many tokens each.
WORTH_COMPILING = 2048  # texts
_EIGHT, _STEP = 8, 1024
_DIGEST = 16  # bytes

# Tokens [S, T] and their lengths [S] -> rows and their vectors, step by step.
Step = Callable[[np.ndarray, np.ndarray], Iterator[tuple[np.ndarray, np.ndarray]]]

_log = logging.getLogger(__name__)


def encode_all(
  tower: TextTower,
  texts: Sequence[str],
  folder: str | os.PathLike[str] | None,
  progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
  """Vectors of many texts, [S, W] float32 in the order given.

  Texts are encoded longest first in steps of nearly one length, so that short ones cost little: by one function of open shape
  in steps of `text.batch` rows, or where there are WORTH_COMPILING of them by one that XLA compiles a length.

  Args:
    tower: its preset and T are part of the key under which vectors are kept.
    folder: pages of vectors are kept below it, written aside and renamed; None keeps nothing. Those of a tower
      that was trained are found again by one of the same weights.
    progress: called with the distinct texts that are done and their total.
  """
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

  done = cached
  report = progress or (lambda done, total: None)
  report(done, len(distinct))
  digests = list(number)
  todo = sorted(np.flatnonzero(~known), key=lambda i: -len(distinct[i]))
  steps = _in_eights if len(todo) >= WORTH_COMPILING else _as_they_come
  step = steps(tower)
  for start in range(0, len(todo), _PAGE):
    page = np.array(todo[start : start + _PAGE])
    tokens, lengths = (x.numpy() for x in tower.tokenize_counted(tf.constant([distinct[i] for i in page])))
    cut[page] = lengths > tower.tokens
    for batch, encoded in step(tokens, np.minimum(lengths, tower.tokens)):
      vectors[page[batch]] = encoded
      done += len(batch)
      report(done, len(distinct))
    if pages is not None:
      _keep(pages, [digests[i] for i in page], vectors[page], cut[page])

  tower.texts_cut = int(cut.sum())
  _log.info(
    "%d distinct texts: %d from the cache, %d encoded; %d cut at %d tokens",
    len(distinct), cached, len(todo), tower.texts_cut, tower.tokens,
  )  # fmt: skip
  # Where no text repeats they are in order, and a copy of a million vectors is none too few.
  return vectors if len(distinct) == len(texts) else vectors[rows]


def _digest(text: str) -> bytes:
  return hashlib.blake2b(text.encode(), digest_size=_DIGEST).digest()


def _as_they_come(tower: TextTower) -> Step:
  signature = [tf.TensorSpec([None, tower.tokens], tf.int32)]
  encode = tf.function(
    lambda tokens: tower(tokens, training=False), input_signature=signature, autograph=False
  )

  def step(tokens: np.ndarray, lengths: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    order, start = np.argsort(-lengths, kind="stable"), 0
    while start < len(order):
      batch = order[start : start + max(1, min(tower.config.batch, _TOKENS // int(lengths[order[start]])))]
      yield batch, encode(tf.constant(tokens[batch])).numpy()
      start += len(batch)

  return step


def _in_eights(tower: TextTower) -> Step:
  encode = tower.compiled()

  def step(tokens: np.ndarray, lengths: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    widths = np.minimum(-(-lengths // _EIGHT) * _EIGHT, tower.tokens)
    for width in np.unique(widths):
      rows, size = np.flatnonzero(widths == width), max(1, _STEP // int(width))
      for start in range(0, len(rows), size):
        batch = rows[start : start + size]
        # The last one is filled up with its first row: another shape would be compiled anew.
        full = np.concatenate([batch, np.full(size - len(batch), batch[0])])
        yield batch, encode(tf.constant(tokens[full, :width])).numpy()[: len(batch)]

  return step


def _pages_of(tower: TextTower, folder: str | os.PathLike[str]) -> pathlib.Path:
  key: dict[str, Any] = {"format": _FORMAT, "preset": tower.fingerprint, "tokens": tower.tokens}
  if tower.mode != "frozen":
    key["weights"] = [
      hashlib.blake2b(v.numpy(), digest_size=_DIGEST).hexdigest() for v in tower.trainable_weights
    ]
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
