"""Tests of verification, checkpoints and exports."""
