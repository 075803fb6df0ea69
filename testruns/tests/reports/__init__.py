"""Tests of the reports: real rows, judged by the real judge, written in both languages."""
