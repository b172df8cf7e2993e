"""TFRecord to batches of fixed inner shapes, and back to tables: one verb a file."""
