"""Indexes beside each other: recall and time of the exact product, the portable index and ScaNN."""
