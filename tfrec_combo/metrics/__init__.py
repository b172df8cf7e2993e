"""Arrays in, numbers out: what a ranking is worth, and how sure that is."""
