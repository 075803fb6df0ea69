"""Tests of the doctor: every kind of damage on real files, and every repair."""
