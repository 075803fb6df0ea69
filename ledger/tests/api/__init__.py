"""Tests of the ledger's API: real journal, real database, real tokens."""
