"""Networks: NamedTuples of pure functions that wrap Flax modules."""
