"""Whether two questions ask the same: tokens, numbers, names, opposites, and a small verifier."""
