"""Asks a served model over the network, TF Serving or `tfrec-combo serve`: REST without TensorFlow, or gRPC."""
