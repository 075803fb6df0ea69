"""Builds by name and commit: where results from elsewhere belong, and which runs speak of one build."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, Q, QuerySet

from testruns.models import Build, Run
from testruns.plan import IMPORT_PROFILE


def build_of_commit(*, name: str, commit: str) -> Build:
    """The build of a name and a whole commit: the one a live run has seen, else one without a source tree."""
    of_commit = Build.objects.filter(name=name, commit=commit, is_clean=True)
    seen = of_commit.exclude(tree_digest="").order_by("-pk").first()
    return seen or Build.objects.get_or_create(name=name, commit=commit, tree_digest="", is_clean=True)[0]


def runs_of(build: Build) -> QuerySet[Run]:
    """Every run of a build, and the results that were brought for its commit before its source tree was seen."""
    is_meant = Q(pk=build.pk)
    if build.is_clean and build.commit:
        is_meant |= Q(name=build.name, commit=build.commit, is_clean=True, tree_digest="")
    return Run.objects.filter(build__in=Build.objects.filter(is_meant))


def builds_that_ran() -> QuerySet[Build]:
    """The builds something was run on here, newest first: what a release or a waiver can be asked for."""
    ran = Run.objects.filter(build=OuterRef("pk")).exclude(profile=IMPORT_PROFILE)
    return Build.objects.filter(Exists(ran)).order_by("-pk")
