"""The training loop. It works on arrays and does not read, write or print."""
