"""Weights to one SavedModel: signatures, checks, manifest."""
