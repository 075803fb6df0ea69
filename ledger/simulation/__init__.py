"""A simulated machine for the unmodified engine, and the suites that try to break a journal on it.

Pure: no Django, no real files, no real clock; what happens follows from a seed alone.
"""

from ledger.simulation.disk import SECTOR_BYTES, SimDisk
from ledger.simulation.env import SimEnv

__all__ = ["SECTOR_BYTES", "SimDisk", "SimEnv"]
