"""Benchmarks: each prints JSON lines, ours beside a peer or a limit, from one run."""
