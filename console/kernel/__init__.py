"""What runs and releases both stand on: people, who may do what, the audit chain, errors, triggers."""
