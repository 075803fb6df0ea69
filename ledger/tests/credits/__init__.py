"""Tests of the credit domain."""
