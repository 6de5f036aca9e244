"""A risk map as an analyst writes it in an afternoon, with nothing of ours; `benchmarks.peers` runs it."""
