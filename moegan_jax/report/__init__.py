"""Published numbers and tables."""
