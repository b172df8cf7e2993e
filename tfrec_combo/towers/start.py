"""Where the towers' weights start: near their short cuts, so that the first steps refine an answer rather than find one."""

from tfrec_combo.base.stack import tf


def small() -> tf.keras.initializers.Initializer:
  """A third of the usual deviation (Glorot and Bengio, 2010), as for branches beside an identity (Zhang et al., 2019, Fixup)."""
  return tf.keras.initializers.VarianceScaling(0.1, "fan_avg", "uniform")


def beside_short_cut(dim: int) -> tf.keras.layers.Dense:
  """The last layer of a tower, which is added to its short cuts.

  What holds nothing known, a request without any part or a product without text, is its bias alone: from a zero bias its vector
  would be no unit vector, and its gradient a million times that of the others.
  """
  bias = tf.keras.initializers.RandomNormal(stddev=0.1 * dim**-0.5)
  return tf.keras.layers.Dense(dim, kernel_initializer=small(), bias_initializer=bias, name="out")
