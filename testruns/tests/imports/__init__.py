"""Results of other projects' suites: what is read, what is refused, and what becomes of it."""
