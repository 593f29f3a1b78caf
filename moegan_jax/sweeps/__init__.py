"""Sweeps: grids of experiments, their plan, and their joint training."""
