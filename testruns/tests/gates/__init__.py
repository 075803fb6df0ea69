"""Tests of gates, judge, recommendation, states, trend and manifest: all without a database."""
