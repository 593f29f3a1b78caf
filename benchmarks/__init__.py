"""Speed and memory, as times and as shares of what the machine can do."""
