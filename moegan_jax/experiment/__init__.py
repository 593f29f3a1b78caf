"""Executes a run, from a configuration to its report."""
