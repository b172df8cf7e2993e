"""What Keras shows of a fit."""

import numpy as np

from tests import makers
from tfrec_combo.base.stack import tf

ORDERS = makers.block_orders(12, 3, 4, 3)
DATA = tf.data.Dataset.from_tensor_slices(makers.batch(ORDERS[:, :1], ORDERS[:, 1:])).batch(4)


def test_the_loss_of_an_epoch_is_the_mean_of_its_batches():
  model = makers.two_tower(makers.catalogue(12))
  model.compile(optimizer=tf.keras.optimizers.SGD(0.0))
  single = [float(model.compute_loss(batch)) for batch in DATA]
  assert np.ptp(single) > 0.01
  fitted = model.fit(DATA, epochs=2, validation_data=DATA, verbose=0)
  np.testing.assert_allclose(fitted.history["val_loss"], [np.mean(single)] * 2, rtol=1e-5)
  assert np.isclose(model.evaluate(DATA, verbose=0), np.mean(single), rtol=1e-5)
  first, second = fitted.history["loss"]
  assert np.isclose(first, second, rtol=0.2), "each epoch starts anew"


def test_the_mean_loss_is_no_part_of_a_checkpoint(tmp_path):
  model = makers.two_tower(makers.catalogue(12))
  names = [
    name for name, _ in tf.train.list_variables(tf.train.Checkpoint(model=model).save(str(tmp_path / "c")))
  ]
  assert len(names) > 5
  assert not [name for name in names if "loss" in name]
