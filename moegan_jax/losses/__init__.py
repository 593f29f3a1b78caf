"""Losses: pure functions of logits and features, each a scalar to minimise."""
