"""A SavedModel whose `combine` and `rank_bundles` answer what they were asked, so that a test sees what arrived.

combine: the first set is `must_include_ids` and costs `budget`, its score is size_min + 10 size_max; the second is the first of
`in_stock_ids`, costs `one_per_category`, its score is `diversity`. All of a set is there for the first product of the
basket, and the status is the first allowed category, or "ok". rank_bundles: a set's score is the number of its products, and
100 more for the one that begins with the query; products that do not begin with p are unknown.
"""

import pathlib

from tfrec_combo.base.stack import tf

H, BASKET, X, M, A, S, C = 4, 3, 2, 4, 2, 5, 3


def _spec(dtype, name, *shape):
  return tf.TensorSpec([None, *shape], dtype, name)


SHOPPER = [
  _spec(tf.string, "history_ids", H),
  _spec(tf.float32, "history_days", H),
  _spec(tf.string, "basket_ids", BASKET),
  _spec(tf.string, "query"),
  _spec(tf.string, "context"),
  _spec(tf.string, "exclude_ids", X),
]
WISHES = [
  _spec(tf.int32, "size_min"),
  _spec(tf.int32, "size_max"),
  _spec(tf.float32, "budget"),
  _spec(tf.string, "must_include_ids", M),
  _spec(tf.int32, "one_per_category"),
  _spec(tf.string, "allowed_categories", A),
  _spec(tf.string, "in_stock_ids", S),
  _spec(tf.float32, "diversity"),
]


class SetsModel(tf.Module):
  """See the file's docstring."""

  def __init__(self):
    super().__init__()
    two, four, nothing = tf.constant([2]), tf.constant([4]), tf.constant([0.0])
    some, none, half = tf.constant([["", "", "", ""]]), tf.constant([0]), tf.constant([0.25])
    no_category, all_stock = tf.constant([[""] * A]), tf.constant([[""] * S])

    def combine(
      history_ids,
      history_days,
      basket_ids,
      query,
      context,
      exclude_ids,
      size_min=two,
      size_max=four,
      budget=nothing,
      must_include_ids=some,
      one_per_category=none,
      allowed_categories=no_category,
      in_stock_ids=all_stock,
      diversity=half,
    ):
      sets = tf.stack([must_include_ids, in_stock_ids[:, :M]], 1)
      there = tf.cast(sets != "", tf.float32)
      goes_with = tf.where(sets != "", basket_ids[:, :1, None], "")
      return {
        "set_ids": sets,
        "set_prices": there,
        "totals": tf.stack([budget, tf.cast(one_per_category, tf.float32)], 1),
        "set_scores": tf.stack([tf.cast(size_min + 10 * size_max, tf.float32), diversity], 1),
        "contributions": there / 2,
        "reasons": tf.where(sets != "", "basket", ""),
        "goes_with_ids": goes_with,
        "bought_together": 7 * there,
        "status": tf.where(allowed_categories[:, 0] == "", "ok", allowed_categories[:, 0]),
      }

    def rank_bundles(history_ids, history_days, basket_ids, query, context, exclude_ids, set_ids):
      there = tf.cast(set_ids != "", tf.float32)
      asked = tf.cast(set_ids[:, :, 0] == query[:, None], tf.float32)
      return {
        "set_scores": tf.reduce_sum(there, -1) + 100 * asked,
        "contributions": there,
        "totals": 2 * tf.reduce_sum(there, -1),
        "unknown": tf.reduce_sum(tf.cast(tf.strings.regex_full_match(set_ids, "[^p].*"), tf.int32), -1),
      }

    self.combine = tf.function(combine, input_signature=[*SHOPPER, *WISHES])
    bundles = tf.TensorSpec([None, C, M], tf.string, "set_ids")
    self.rank_bundles = tf.function(rank_bundles, input_signature=[*SHOPPER, bundles])


def save(folder: pathlib.Path) -> pathlib.Path:
  """Writes <folder>/1; returns `folder`."""
  model = SetsModel()
  tf.saved_model.save(
    model, str(folder / "1"), {"combine": model.combine, "rank_bundles": model.rank_bundles}
  )
  return folder
