"""Benchmarks of speed and memory, absolute and relative to the hardware."""
