"""Programs for accelerators that are not present: compiled, and counted."""
