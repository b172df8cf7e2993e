"""Requests and order tables by hand."""

import numpy as np
import scipy.sparse as sp

from tfrec_combo.logs.decisions import Decision


def request(basket=(), history=(), days=None, target=(0,), query="", order="o"):
  """A test decision; `days` are 1, 2, ... where not given."""
  days = np.arange(1, len(history) + 1) if days is None else days
  return Decision(
    order_id=order,
    user_id="u",
    split="test",
    history=np.array(history, np.int32),
    history_days=np.array(days, np.float32),
    basket=np.array(basket, np.int32),
    target=np.array(target, np.int32),
    query=query,
    context="",
  )


def table(orders, products):
  """[orders, N] csr with a 1 for each product of each order."""
  rows = np.repeat(np.arange(len(orders)), [len(o) for o in orders])
  columns = np.concatenate([np.array(o, int) for o in orders])
  return sp.csr_matrix((np.ones(len(rows)), (rows, columns)), (len(orders), products))


def random_table(products=40, orders=200, seed=0):
  """A table in which low-numbered products are popular."""
  rng = np.random.default_rng(seed)
  share = 1 / np.arange(1, products + 1)
  sizes = rng.integers(1, 8, orders)
  return table([rng.choice(products, n, replace=False, p=share / share.sum()) for n in sizes], products)


def random_requests(count=30, products=40, seed=1):
  """Requests with and without history and basket."""
  rng = np.random.default_rng(seed)
  found = [request(), request(history=(3, 3)), request(basket=(1, 5))]
  for _ in range(count - len(found)):
    drawn = rng.permutation(products)[: rng.integers(2, 9)]
    history = rng.integers(0, products, rng.integers(0, 20))
    days = np.sort(rng.random(len(history)) * 300)
    found.append(request(drawn[1:], history, days, target=drawn[:1]))
  return found
