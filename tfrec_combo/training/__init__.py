"""Configs to trained weights: fit, strategy, callbacks and checkpoints."""
