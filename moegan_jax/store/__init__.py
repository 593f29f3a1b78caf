"""The schema of a run folder: checkpoints, records, rows, the lock."""
