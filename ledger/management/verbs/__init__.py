"""The verbs of `manage.py ledger`. A verb has HELP, add_arguments(parser) and run(out, err, options) -> exit code."""

from types import MappingProxyType

from ledger.management.verbs import (
    bench,
    checkpoint,
    doctor,
    export,
    import_,
    reset,
    subscribe,
    subscriptions,
    tail,
    verify,
)

VERBS = MappingProxyType(
    {
        "verify": verify,
        "doctor": doctor,
        "tail": tail,
        "subscribe": subscribe,
        "subscriptions": subscriptions,
        "checkpoint": checkpoint,
        "export": export,
        "import": import_,
        "bench": bench,
        "reset": reset,
    }
)
