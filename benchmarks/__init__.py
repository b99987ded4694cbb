"""Commands that print every figure in `docs/benchmarks.md`. They leave nothing in the clone."""
