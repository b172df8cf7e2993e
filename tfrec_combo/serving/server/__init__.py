"""Model folders -> TF Serving's REST and gRPC APIs, on this machine: versions, predict, two front ends, one process."""
