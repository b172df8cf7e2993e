"""Keras 2 trains, saves, restores and exports a Keras 3 object that it never sees."""

import numpy as np
import pytest

from tests.base.serving import answers, unrestored
from tfrec_combo.base.keras_bridge import KerasBridge
from tfrec_combo.base.stack import keras, tf

X = np.random.RandomState(0).normal(size=[64, 4]).astype(np.float32)
Y = X @ np.array([[1.0], [-2.0], [3.0], [0.5]], np.float32)


def hidden(dropout=0.0, frozen=False, seed=0):
  keras.utils.set_random_seed(seed)
  layers = [keras.layers.Dense(8, name="first"), keras.layers.Dropout(dropout), keras.layers.Dense(1)]
  model = keras.Sequential([keras.Input([4]), *layers])
  layers[0].trainable = not frozen
  return model


def bridge(**settings):
  return KerasBridge(lambda: hidden(**settings), lambda model, x, training: model(x, training=training))


def fitted(layer, epochs=30):
  model = tf.keras.Sequential([tf.keras.Input([4]), layer])
  model.compile(tf.keras.optimizers.SGD(0.05), "mse")
  return model, model.fit(X, Y, batch_size=16, epochs=epochs, verbose=0).history["loss"]


def test_answers_as_the_hidden_object_does():
  np.testing.assert_allclose(bridge()(X), hidden()(X), rtol=1e-6)


def test_fit_learns_and_changes_every_weight():
  layer = bridge()
  before = [w.numpy() for w in layer.weights]
  _, losses = fitted(layer)
  assert losses[-1] < 1e-3 * losses[0]
  assert all((a != b.numpy()).any() for a, b in zip(before, layer.weights, strict=True))


def test_what_keras_3_froze_stays_though_its_raw_variable_says_trainable():
  layer = bridge(frozen=True)
  assert (len(layer.trainable_weights), len(layer.non_trainable_weights)) == (2, 2)
  before = [w.numpy() for w in layer.non_trainable_weights]
  _, losses = fitted(layer)
  assert losses[-1] < 0.5 * losses[0]
  for old, new in zip(before, layer.non_trainable_weights, strict=True):
    np.testing.assert_array_equal(old, new)


def test_dropout_is_on_in_training_alone():
  layer = bridge(dropout=0.5)
  np.testing.assert_array_equal(layer(X), layer(X, training=False))
  assert (layer(X, training=True).numpy() != layer(X, training=True).numpy()).any()


def test_dropout_goes_on_where_the_checkpoint_left_it(tmp_path):
  layer = bridge(dropout=0.5)
  layer(X, training=True)
  path = tf.train.Checkpoint(layer=layer).save(str(tmp_path / "c"))
  expected = layer(X, training=True)
  other = bridge(dropout=0.5, seed=1)
  tf.train.Checkpoint(layer=other).restore(path).assert_consumed()
  np.testing.assert_array_equal(other(X, training=True), expected)


@pytest.mark.parametrize("name", ["weights", "model.weights.h5", "model.h5"])
def test_save_weights_restores_another_object(tmp_path, name):
  model, _ = fitted(bridge(), epochs=1)
  other, _ = fitted(bridge(seed=1), epochs=1)
  assert abs(model(X) - other(X)).numpy().max() > 0.01
  model.save_weights(str(tmp_path / name))
  other.load_weights(str(tmp_path / name))
  np.testing.assert_array_equal(model(X), other(X))


def test_policy_of_keras_2_casts_nothing():
  tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
  try:
    output = bridge()(X)
  finally:
    tf.keras.mixed_precision.set_global_policy("float32")
  assert output.dtype == tf.float32
  np.testing.assert_allclose(output, hidden()(X), rtol=1e-6)


def test_an_object_without_variables_is_refused():
  with pytest.raises(ValueError, match="built Keras 3 object"):
    KerasBridge(lambda: keras.layers.Dense(1), lambda layer, x, training: layer(x))


def export(module, run, folder):
  module.serve = tf.function(run, input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
  tf.saved_model.save(module, str(folder), signatures={"serving_default": module.serve})


def test_export_answers_in_session_mode_with_one_copy_of_the_weights(tmp_path):
  module = tf.Module()
  module.layer, _ = fitted(bridge(dropout=0.5), epochs=1)
  export(module, lambda x: {"y": module.layer(x)}, tmp_path / "model")
  assert unrestored(tmp_path / "model") == set()
  stored = tf.train.list_variables(str(tmp_path / "model/variables/variables"))
  shapes = [tuple(shape) for name, shape in stored if "OPTIMIZER" not in name.upper()]
  assert shapes.count((4, 8)) == 1
  given = answers(tmp_path / "model", {"x": X.tolist()})
  np.testing.assert_allclose(given["y"], module.layer(X), rtol=1e-5)


def test_a_tracked_keras_3_object_is_what_the_check_finds(tmp_path):
  module = tf.Module()
  module.model = hidden()
  export(module, lambda x: {"y": module.model(x)}, tmp_path / "model")
  assert len(unrestored(tmp_path / "model")) == 4
