"""Grids of experiments: planning, joint training, and the sweep itself."""
