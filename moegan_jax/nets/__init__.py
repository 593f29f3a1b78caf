"""Networks: Flax cells inside, NamedTuples of pure functions outside."""
