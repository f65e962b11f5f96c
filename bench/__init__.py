"""Benchmarks: each prints JSON lines that compare our figure with a peer or a limit, from one run."""
