"""Vectors to the best K: the two-tower model, its negatives and the index contract."""
