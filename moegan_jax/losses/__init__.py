"""Losses: pure functions of logits and features that return a scalar."""
