"""The engine's test plan as one command: what is tried on simulated machines, and with real processes on a real disk.

Pure: no Django. Each suite follows from a seed, and each finding names the one to see it again with.
"""
