"""The command that goes through the test plan, and its suites with real processes."""
