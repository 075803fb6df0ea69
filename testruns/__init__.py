"""The machine side of Gatehouse: scenarios measure a ledger, gates judge what was measured, runs keep both."""
