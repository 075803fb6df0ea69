"""Tests of deciding ledger approvals as people: real journal, real database, real pages."""
