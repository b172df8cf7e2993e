"""Orders and catalogue -> the list of bundles, with what is known and expected of each."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import polars as pl
import scipy.sparse as sp

from tfrec_combo.base.errors import DataError, fault
from tfrec_combo.merchandising.choose import Choice, Limits, choose
from tfrec_combo.merchandising.mine import Bundle, Rules, holding, mined
from tfrec_combo.merchandising.take_up import TakeUp, calibration, learnt

LOG, MODEL, BOTH, LIST = "log", "model", "log and model", "list"
THOUSAND = 1000
JOIN = ","


@dataclasses.dataclass(frozen=True)
class Log:
  """Order tables [orders, N] of one catalogue. earlier and later: what may be learnt from, by time where the log has any.
  held_out: what nothing is learnt from, possibly no order."""

  earlier: sp.csr_matrix
  later: sp.csr_matrix
  held_out: sp.csr_matrix

  @property
  def known(self) -> sp.csr_matrix:
    """All orders that may be learnt from."""
    return sp.vstack([self.earlier, self.later]).tocsr()


@dataclasses.dataclass(frozen=True)
class Decided:
  """Lists of merchandisers: bundles that stay, and products that a bundle is to hold together."""

  accepted: Sequence[Bundle] = ()
  pins: Sequence[Bundle] = ()


@dataclasses.dataclass(frozen=True)
class Proposal:
  """The list and how far to trust it.

  table: a bundle a row, see `COLUMNS`. bundles: their products as rows of the catalogue. calibration: see
  `take_up.calibration`, of everything that was mined; of_list: of the list. curve: what take-up was read from. unmet: pins
  that no bundle could hold. orders, held_out: how many were learnt from and held out. candidates: sets chosen from.
  """

  table: pl.DataFrame
  bundles: list[Bundle]
  calibration: list[dict[str, float]]
  of_list: list[dict[str, float]]
  curve: TakeUp
  unmet: list[Bundle]
  orders: int
  held_out: int
  candidates: int


COLUMNS: dict[str, str] = {
  "rank": "place in the list",
  "bundle_id": "b001 and so on",
  "status": "accepted, pinned or proposed",
  "source": "who brought it up: log, model, log and model, or list (an accepted one, or one made for a pin)",
  "products": "product ids with commas between them, as the files of accepted, banned and pinned ones have them",
  "texts": "what the products say of themselves",
  "size": "products",
  "price": "of all products; null where one is unknown",
  "orders": "orders that hold all of them",
  "support": "share of all orders",
  "lead_id": "the product in the fewest orders: the others follow from it most surely",
  "confidence": "of the orders with the lead, the share that holds all the others",
  "lift": "orders with all of them over those that chance would give",
  "take_up": "expected orders with all of them, per 1,000 orders to come",
  "chance": "per 1,000 orders, if products were bought by themselves",
  "extra": "products sold beyond chance, per 1,000 orders: (take_up - chance) * (size - 1); what the list is ranked by",
  "model_score": "of the set by the served model; null where it did not propose it",
  "held_out": "held-out orders with all of them; null without held-out orders",
}


def propose(
  log: Log,
  products: pl.DataFrame,
  allowed: Rules,
  limits: Limits,
  decided: Decided = Decided(),
  from_model: Mapping[Bundle, float] | None = None,
  least_lift: float = 1.0,
) -> Proposal:
  """The list of bundles.

  Args:
    products: [N] product_id, text, price; row i is product i of the orders.
    from_model: sets that the served model proposes, with their scores; those that `allowed` forbids are left out.
    least_lift: of what is proposed; what is accepted or pinned may have less.

  Raises:
    DataError: an accepted or pinned set is banned, too.
  """
  for name, entries in (("accepted", decided.accepted), ("pinned", decided.pins)):
    for entry in entries:
      if allowed.bans(entry):
        ids = JOIN.join(products["product_id"][row] for row in entry)
        raise DataError(
          fault(ids, f"must not be banned and {name}", "both", "take it out of one of the files")
        )
  known = log.known
  curve = learnt(log.earlier, log.later, allowed)
  found, counts = mined(known, allowed)
  scores = {b: s for b, s in (from_model or {}).items() if allowed.allow(b)}
  new = sorted(set(scores) - set(found))
  counts = np.concatenate([counts, holding(known, new)])
  candidates = [*found, *new]
  take_up, chance = curve(counts, known.shape[0]), _chance(known, candidates)
  values = _extra(take_up, chance, candidates)
  values = np.where(counts < least_lift * chance * known.shape[0], -1.0, values)
  # Among sets that no order held the model's score decides; it is scaled to change no other order.
  values = values + 1e-9 * np.array([np.tanh(scores.get(b, 0.0)) for b in candidates])
  choice = choose(
    candidates,
    values,
    limits,
    decided.accepted,
    decided.pins,
    lambda pin: _made_for(pin, known, allowed),
  )
  sources = dict.fromkeys(found, LOG) | {b: BOTH if b in set(found) else MODEL for b in scores}
  held = holding(log.held_out, candidates) if log.held_out.shape[0] else None
  table = _table(choice, products, known, log.held_out, curve, scores, sources)
  return Proposal(
    table,
    [bundle for bundle, _ in choice.bundles],
    calibration(take_up, held, log.held_out.shape[0]) if held is not None and len(held) else [],
    _of_list(table, log.held_out.shape[0]),
    curve,
    choice.unmet,
    known.shape[0],
    log.held_out.shape[0],
    len(candidates),
  )


def _of_list(table: pl.DataFrame, orders: int) -> list[dict[str, float]]:
  if not orders or table.is_empty():
    return []
  return calibration(table["take_up"].to_numpy() / THOUSAND, table["held_out"].to_numpy(), orders)[-1:]


def _made_for(pin: Bundle, orders: sp.csr_matrix, allowed: Rules) -> Iterator[Bundle]:
  """Bundles that hold a pin, where nothing mined does: itself, then with the products that most of its orders hold."""
  if allowed.allow(pin):
    yield pin
  lines = np.asarray(orders.tocsc()[:, list(pin)].sum(axis=1)).ravel()
  whole = orders[np.flatnonzero(lines == len(pin))]
  beside = np.bincount(whole.indices, minlength=orders.shape[1])
  beside[list(pin)] = 0
  base = pin
  for partner in np.lexsort((np.arange(len(beside)), -beside))[: (beside > 0).sum()].tolist():
    wider = tuple(sorted((*base, partner)))
    if allowed.bans(wider) or not all(allowed.apart(partner, member) for member in base):
      continue
    if len(wider) < allowed.smallest:
      base = wider
    elif allowed.allow(wider):
      yield wider


def _chance(orders: sp.csr_matrix, bundles: Sequence[Bundle]) -> np.ndarray:
  share = np.bincount(orders.indices, minlength=orders.shape[1]) / max(orders.shape[0], 1)
  return np.array([share[list(bundle)].prod() for bundle in bundles])


def _extra(take_up: np.ndarray, chance: np.ndarray, bundles: Sequence[Bundle]) -> np.ndarray:
  return (take_up - chance) * (np.array([len(b) for b in bundles]) - 1)


def _table(
  choice: Choice,
  products: pl.DataFrame,
  orders: sp.csr_matrix,
  held_out: sp.csr_matrix,
  curve: TakeUp,
  scores: Mapping[Bundle, float],
  sources: Mapping[Bundle, str],
) -> pl.DataFrame:
  bundles = [bundle for bundle, _ in choice.bundles]
  counts, chance, total = holding(orders, bundles), _chance(orders, bundles), max(orders.shape[0], 1)
  take_up = curve(counts, total)
  extra = _extra(take_up, chance, bundles)
  held = np.bincount(orders.indices, minlength=orders.shape[1])
  later = holding(held_out, bundles) if held_out.shape[0] else None
  ids, prices = products["product_id"].to_list(), products["price"].to_list()
  texts = products["text"].fill_null("").to_list()
  rows = []
  for i, (bundle, status) in enumerate(choice.bundles):
    lead = min(bundle, key=lambda row: (held[row], row))
    paid = [prices[row] for row in bundle]
    rows.append(
      {
        "rank": i + 1,
        "bundle_id": f"b{i + 1:03d}",
        "status": status,
        "source": sources.get(bundle, LIST),
        "products": JOIN.join(f'"{ids[row]}"' if JOIN in ids[row] else ids[row] for row in bundle),
        "texts": " + ".join(texts[row] or ids[row] for row in bundle),
        "size": len(bundle),
        "price": None if None in paid else round(float(sum(paid)), 2),
        "orders": int(counts[i]),
        "support": counts[i] / total,
        "lead_id": ids[lead],
        "confidence": counts[i] / max(held[lead], 1),
        "lift": counts[i] / total / chance[i] if chance[i] > 0 else None,
        "take_up": THOUSAND * take_up[i],
        "chance": THOUSAND * chance[i],
        "extra": THOUSAND * extra[i],
        "model_score": scores.get(bundle),
        "held_out": None if later is None else int(later[i]),
      }
    )
  kinds = {
    **dict.fromkeys(("bundle_id", "status", "source", "products", "texts", "lead_id"), pl.String),
    **dict.fromkeys(("rank", "size", "orders", "held_out"), pl.Int64),
  }
  return pl.DataFrame(rows, schema={name: kinds.get(name, pl.Float64) for name in COLUMNS}, orient="row")
