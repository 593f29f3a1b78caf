"""Measures of text import without JAX."""

import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parents[2]


def test_measures_of_text_and_tables_import_without_jax():
  code = (
    'import sys; import moegan_jax.metrics, moegan_jax.report.table;'
    'sys.exit("jax" in sys.modules)'
  )
  done = subprocess.run([sys.executable, '-c', code], cwd=ROOT)
  assert done.returncode == 0
