"""sentence-transformers as a process that is told when to encode: run by an interpreter that has it, which is not this one.

sentences.py FOLDER TEXTS TOKENS THREADS; a line on standard input is one encoding, its answer a line of JSON.
"""

import json
import pathlib
import sys
import time

import numpy as np
import torch
from sentence_transformers import SentenceTransformer, __version__

folder, path, tokens, threads = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
texts = json.loads(path.read_text(encoding="utf-8"))
torch.set_num_threads(threads)
model = SentenceTransformer(folder, device="cpu")
model.max_seq_length = tokens
for _ in sys.stdin:
  start = time.perf_counter()
  vectors = model.encode(texts, normalize_embeddings=True, show_progress_bar=False)
  seconds = time.perf_counter() - start
  np.save(f"{path}.npy", vectors)
  print(json.dumps({"seconds": seconds, "version": __version__, "torch": torch.__version__}), flush=True)
