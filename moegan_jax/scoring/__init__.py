"""Measures of generators: evaluation, result rows, and the final report."""
