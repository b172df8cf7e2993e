"""The embedded server measured: speed beside the same model in process, and a thousand versions under load."""

import tfrec_combo  # noqa: F401  sets Keras 2 before tensorflow_serving brings TensorFlow
