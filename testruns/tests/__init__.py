"""Tests of the machine side."""
