"""`manage.py ledger` and `manage.py check_invariants`."""
