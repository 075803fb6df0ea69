"""The machine side of Gatehouse.

Scenarios that measure a ledger, gates that judge the measurements, runs that keep both.
"""
