"""Whether two products belong in one set: complements are bought together more than chance has it, substitutes less."""

from tfrec_combo.base.stack import tf
from tfrec_combo.combos.candidates import Candidates
from tfrec_combo.combos.features import Features
from tfrec_combo.towers.constants import rows_of

SAME_TEXT = 0.85  # cosine of two texts of one category above which they name variants of one thing
# Above this they do unless orders hold both: with MiniLM, one title under two brands has 0.6 to 0.9.
LIKE_TEXT = 0.6
LARGEST_LIFT = 4.0  # log of observed over expected; beyond it more evidence says nothing new


def together(rows: tf.Tensor, others: tf.Tensor, counts: Candidates) -> tuple[tf.Tensor, tf.Tensor]:
  """Orders that hold both products: counts [B, P, Q] of rows [B, P] with others [B, Q], and whether the count is known.

  Only each product's strongest neighbours are kept, so a pair outside a full list is unknown, not zero.
  """
  near = tf.where(rows[..., None] >= 0, tf.gather(counts.rows, tf.maximum(rows, 0)), -2)
  seen = rows_of(counts.together, rows)
  match = tf.cast(near[:, :, :, None] == others[:, None, None, :], tf.float32)
  count = tf.einsum("bpj,bpjq->bpq", seen, match)
  full = tf.reduce_all(near >= 0, axis=-1)
  return count, (count > 0) | ~full[..., None]


def affinity(rows: tf.Tensor, features: Features, counts: Candidates) -> tf.Tensor:
  """How well each two products of a pool go together: [B, P, P], symmetric, about -1 (substitutes) to 1; 0 on the diagonal.

  The log of orders that hold both over those that chance would give, smoothed by one order. Where there is too little
  evidence the product vectors stand in: what is alike goes together, but within one category it stands for each other.
  Variants of one thing, by their texts and category, count against the pair.
  """
  one, known = together(rows, rows, counts)
  count = tf.maximum(one, tf.transpose(one, [0, 2, 1]))
  known |= tf.transpose(known, [0, 2, 1])
  held = rows_of(counts.orders, rows)
  expected = held[:, :, None] * held[:, None, :] / counts.total
  lift = tf.math.log((count + 1) / (expected + 1)) / LARGEST_LIFT
  lift = tf.where(known, tf.clip_by_value(lift, -1.0, 1.0), 0.0)
  vectors, texts = rows_of(features.vectors, rows), rows_of(features.texts, rows)
  near = tf.linalg.matmul(vectors, vectors, transpose_b=True)
  doubt = 1 / (1 + expected + count)
  leaf = rows_of(features.leaf, rows)
  same = (leaf[:, :, None] == leaf[:, None, :]) & (leaf[:, :, None] > 0)
  alike = tf.linalg.matmul(texts, texts, transpose_b=True)
  variants = same & ((alike > SAME_TEXT) | ((alike > LIKE_TEXT) & (lift <= 0)))
  score = lift + 0.3 * doubt * tf.where(same, -near, near)
  # Also where many orders hold both: three flavours of one thing are often bought together, and are no combination.
  score = tf.where(variants, tf.minimum(score, 0) - 1, score)
  valid = (rows >= 0)[:, :, None] & (rows >= 0)[:, None, :]
  return tf.where(valid, tf.linalg.set_diag(score, tf.zeros_like(score[:, :, 0])), 0.0)
