"""Corpora: arrays of token ids, what they mean, where they come from."""
