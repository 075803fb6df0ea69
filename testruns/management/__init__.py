"""Commands of the machine side."""
