"""Array operations without trainable parameters."""
