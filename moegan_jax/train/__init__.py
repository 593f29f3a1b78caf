"""The training loop on arrays: no file names and no printing."""
