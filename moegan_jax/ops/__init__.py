"""Array maths without parameters."""
