"""What scenarios stand on: registry, context, hosts of the ledger under test, callers, and the audit."""
