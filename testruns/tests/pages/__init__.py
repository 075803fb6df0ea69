"""Tests of what the pages of runs are made of."""
