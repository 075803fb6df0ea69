"""What scenarios stand on.

Registry, context, host processes of the ledger under test, callers, and the audit afterwards.
"""
