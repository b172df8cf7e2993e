"""Sets on public protocols: the served `combine` beside peers that make sets, on the same requests."""
