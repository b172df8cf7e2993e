"""A model's rankings held against the peers' on held-out orders, and the report of it."""
