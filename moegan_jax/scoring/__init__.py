"""Evaluation of generators: measures, result rows and the final report."""
