"""Sets of products: how well they go together, the search for them, and why each member is there."""
