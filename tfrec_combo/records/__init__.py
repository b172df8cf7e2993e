"""Tables to TFRecord and back: the TFDS builder, the codec of one example, the manifest of a folder."""
