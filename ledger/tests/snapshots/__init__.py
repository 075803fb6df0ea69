"""Snapshots: what they spare, what proves them, and everything that can be wrong with one."""
