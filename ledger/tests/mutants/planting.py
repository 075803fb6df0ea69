"""Running a suite in a process of its own, whose engine is imported with one changed source."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from types import CodeType, FunctionType, ModuleType

Suite = Callable[[], str]
_OURS = ("ledger", "console", "testruns")


class _Changed(importlib.machinery.SourceFileLoader):
    """A module from a source that is not the one in its file."""

    def __init__(self, name: str, path: str, source: bytes) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        """Never from the cache of compiled modules."""
        return compile(self._source, self.path, "exec")


class _Finder(MetaPathFinder):
    def __init__(self, name: str, source: bytes) -> None:
        self._name = name
        self._source = source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Only of the one module."""
        if fullname != self._name:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        assert spec is not None
        assert spec.origin is not None
        return importlib.util.spec_from_file_location(
            fullname, spec.origin, loader=_Changed(fullname, spec.origin, self._source)
        )


def killed_by(suite: Suite, *, module: str, source: bytes, seconds: int) -> str:
    """What ``suite`` finds when ``module`` has this source; nothing if the change survives it.

    ``suite`` imports what it tests only when it is called. One that does not end in ``seconds`` has found that.
    """

    def import_anew() -> str:
        signal.alarm(seconds)
        for name in [name for name in sys.modules if name.split(".")[0] in _OURS and name != __name__]:
            del sys.modules[name]
        sys.meta_path.insert(0, _Finder(module, source))
        return suite()

    return said_by_child(import_anew)


def said_by_child(work: Suite) -> str:
    """What ``work`` returns or raises in a forked process, or how that ended if it could not say."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _live(work, writing)
    os.close(writing)
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):  # whatever it started goes with it, also what holds the pipe open
        os.killpg(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read().decode()
    return said or ("" if status == 0 else f"ended with status {status}")


def _live(work: Suite, writing: int) -> None:
    code = 1
    try:
        os.setsid()
        said = work()
        os.write(writing, said.encode()[:2000])
        code = 0
    except BaseException:  # noqa: BLE001  # whatever comes out of a broken engine is a finding
        os.write(writing, traceback.format_exc()[-2000:].encode())
    finally:
        os._exit(code)


def swap_function(module: str, function: str, source: bytes) -> None:
    """Give a function of an imported module the code it has in ``source``, wherever the function is known already.

    ``function`` is qualified, and may be one inside of it. ValueError if it closes over other names now.
    """
    target: object = sys.modules[module]
    code = compile(source, str(vars(target)["__file__"]), "exec")
    for name in function.split("."):
        code = next(one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name)
        target = vars(target)[name]
        target = getattr(target, "fget", None) or getattr(target, "__func__", target)
        if isinstance(target, FunctionType):
            target.__code__ = code
            return
    raise ValueError(function)
