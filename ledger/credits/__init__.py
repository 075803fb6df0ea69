"""The credit domain on the engine: commands in, events out, state by folding. No Django.

Layers inside: amounts, errors, policy < commands, accounts, anomaly, eoc, approvals < state < decide_* < ledger
< legacy, invariants.
"""
