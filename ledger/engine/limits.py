"""Every limit of the engine in one place. Sizes are bytes of UTF-8 unless the name says otherwise."""

MIB = 2**20
GIB = 2**30

EVENT_BYTES_MAX = MIB
COMMAND_EVENTS_MAX = 1000
COMMAND_BYTES_MAX = 10 * MIB
KEY_BYTES_MAX = 256
STREAM_BYTES_MAX = 200
TEXT_BYTES_MAX = 256
NESTING_MAX = 16
OBJECT_KEYS_MAX = 1000
INTEGER_MAX = 2**63 - 1

# What one fsync writes: at most so many commands, and so many bytes beyond its first command.
FLUSH_COMMANDS_MAX = 512
FLUSH_BYTES_MAX = 16 * MIB

SEGMENT_BYTES = 64 * MIB
SEGMENT_BYTES_MIN = 4096
SEGMENT_BYTES_MAX = 2 * GIB
FILL_BYTES = 4 * MIB

SNAPSHOTS_KEPT = 3

# Filled ahead before commands are decided, so that a full disk is met before the state has seen anything.
RESERVE_BYTES = 64 * 1024

# Writes stop when both are true, and resume as soon as one of them is false with the lower percentage.
FULL_PERCENT = 95
RESUME_PERCENT = 90
FREE_BYTES_MIN = 2 * GIB

# A difference between wall clock and monotonic clock beyond this is recorded as clock.jumped.
CLOCK_JUMP_MICROS = 2_000_000

# Bytes read at once while walking through segments. More is slower: events and lines no longer fit into the cache.
CHUNK_BYTES = 64 * 1024
