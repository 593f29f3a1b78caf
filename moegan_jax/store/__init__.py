"""The run folder: file names, checkpoints, records, rows and the lock."""
