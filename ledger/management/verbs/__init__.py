"""The verbs of `manage.py ledger`. A verb has HELP, add_arguments(parser) and run(out, err, options) -> exit code."""

from types import MappingProxyType

from ledger.management.verbs import (
    balance,
    bench,
    checkpoint,
    doctor,
    export,
    import_,
    reset,
    seal,
    snapshot,
    subscribe,
    subscriptions,
    tail,
    torture,
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
        "balance": balance,
        "seal": seal,
        "snapshot": snapshot,
        "export": export,
        "import": import_,
        "bench": bench,
        "torture": torture,
        "reset": reset,
    }
)
