"""How fast the journal is on this machine, beside the machine's own floor and its peers, in turns in the same run.

Figures without the floor say more about the disk than about the journal. Every row of the design's table is here; one
that is short says so. `manage.py ledger bench` prints them.
"""
