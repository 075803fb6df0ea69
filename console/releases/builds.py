"""Builds by their commit: which one somebody means, how it stands in every phase, and what is left."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from console.kernel.errors import GatehouseError
from console.models import Phase, SignOff
from console.releases.left import Left, what_is_left
from console.releases.look import Look
from console.releases.standing import Standing, standing_of_phase
from ledger import gettext_noop
from testruns.models import Build

_WHOLE: Final = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_BEGINNING: Final = re.compile(r"[0-9a-f]{7,64}")


class CommitRefused(GatehouseError):
    """Base of what makes a text name no commit."""

    code = "commit-refused"
    message = gettext_noop("This names no commit.")


class CommitMalformed(CommitRefused):
    """No commit can look like this."""

    code = "commit-malformed"
    message = gettext_noop("%(commit)s is no commit: 7 to 64 hexadecimal digits.")


class CommitNotWhole(CommitRefused):
    """Who releases something names its commit in full."""

    code = "commit-not-whole"
    message = gettext_noop(
        "%(commit)s is not a whole commit of 40 or 64 hexadecimal digits. The beginning of one can be forged, so it "
        "opens nothing."
    )


class CommitAmbiguous(CommitRefused):
    """Several commits begin like this."""

    code = "commit-ambiguous"
    message = gettext_noop("%(count)s commits begin with %(commit)s. Name more of it.")


TREE: Final = "tree-"
"""How the address of a build without a commit begins; the digest of its source tree follows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PhaseOfBuild:
    """How a build stands in one phase: who signed its request, and what is left."""

    standing: Standing
    signed: tuple[SignOff, ...]
    left: tuple[Left, ...]


def whole_commit(text: str) -> str:
    """The commit in lower case. Raises CommitNotWhole.

    A build with another content can be given the first seven or ten digits of a released one in minutes.
    """
    commit = text.strip().lower()
    if not _WHOLE.fullmatch(commit):
        raise CommitNotWhole(commit=text[:80])
    return commit


def builds_of(commit: str) -> tuple[Build, ...]:
    """The builds of exactly this commit, the newest first: clean and changed trees, and every name it was given."""
    return tuple(Build.objects.filter(commit=commit).order_by("-pk"))


def name_of(build: Build) -> str:
    """What a build is called in an address: its commit, else its source tree. Every build has one of the two."""
    return build.commit or f"{TREE}{build.tree_digest}"


def builds_named(name: str) -> tuple[Build, ...]:
    """The builds of an address, the newest first. Raises CommitMalformed, CommitAmbiguous."""
    if name.startswith(TREE):
        return tuple(Build.objects.filter(commit="", tree_digest=name.removeprefix(TREE)).order_by("-pk"))
    return builds_beginning(name)


def builds_beginning(text: str) -> tuple[Build, ...]:
    """The builds of the one commit that begins like this. Raises CommitMalformed, CommitAmbiguous."""
    beginning = _commit(text)
    builds = tuple(Build.objects.filter(commit__startswith=beginning).order_by("-pk"))
    commits = {build.commit for build in builds}
    if beginning in commits:
        return tuple(build for build in builds if build.commit == beginning)
    if len(commits) > 1:
        raise CommitAmbiguous(commit=beginning, count=len(commits))
    return builds


def phases_of(builds: tuple[Build, ...], *, now: datetime) -> tuple[PhaseOfBuild, ...]:
    """How the builds of one commit stand in every phase that waits for a release, in the order of the roadmap."""
    look = Look(now=now, builds=builds)
    standings = [look.standing_of_builds(phase) for phase in look.phases if phase.state != Phase.State.ACTIVE]
    look.read_sign_offs([standing.request for standing in standings if standing.request is not None])
    return tuple(_of_builds(standing, builds=builds, look=look) for standing in standings)


def phase_of_build(phase: Phase, *, builds: tuple[Build, ...], look: Look) -> PhaseOfBuild:
    """How the builds of one commit stand in one phase. What is left is said of the one that came furthest."""
    return _of_builds(standing_of_phase(phase, now=look.now, builds=builds), builds=builds, look=look)


def _of_builds(standing: Standing, *, builds: tuple[Build, ...], look: Look) -> PhaseOfBuild:
    signed = tuple(look.sign_offs(standing.request).values()) if standing.request else ()
    return PhaseOfBuild(
        standing=standing,
        signed=signed,
        left=what_is_left(standing, build=_furthest(standing, builds), look=look),
    )


def _furthest(standing: Standing, builds: tuple[Build, ...]) -> Build | None:
    """That of the request; before one, the newest clean tree that was seen here: no other can be released."""
    if standing.request is not None:
        return standing.request.build
    return next((build for build in builds if build.is_clean and build.tree_digest), next(iter(builds), None))


def _commit(text: str) -> str:
    commit = text.strip().lower()
    if not _BEGINNING.fullmatch(commit):
        raise CommitMalformed(commit=text[:80])
    return commit
