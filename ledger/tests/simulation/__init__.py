"""The suites that try to break a journal on a simulated machine: short forms, and proof that they can fail."""
