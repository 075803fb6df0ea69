"""Results from elsewhere: a CI job hands in the files its test runner wrote, and reads what the rules say of them.

The scope is that of evidence, not of runs: a job that reports results needs no right to occupy this machine for half an
hour, and one that requests runs needs none to bring files.
"""

from __future__ import annotations

from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request

from console.kernel.api import problems
from console.kernel.api.idempotency import idempotent
from console.kernel.api.parsing import StrictSerializer, parsed
from console.kernel.api.problems import Problem
from console.kernel.api.views import ApiView
from console.kernel.scopes import Scope
from testruns import actions
from testruns.api.answers import run_answer
from testruns.api.schemas import RunDocument
from testruns.imports.limits import FILE_BYTES_MAX, FILES_MAX
from testruns.imports.specs import IMPORTED_REPORTS

FILES: Final = tuple(report.file for report in IMPORTED_REPORTS.values())
_FORM_BYTES_MAX: Final = 256 * 1024
"""The names, the text fields and the boundaries around a hundred files."""

problems.register(
    {
        "import-file": 400,
        "import-file-empty": 400,
        "import-file-too-large": 413,
        "import-file-not-xml": 400,
        "import-file-encoding": 400,
        "import-file-not-utf-8": 400,
        "import-file-malformed": 400,
        "import-file-declares": 400,
        "import-file-wrong-root": 400,
        "import-file-misplaced": 400,
        "import-file-limit": 400,
        "import-nothing": 400,
        "import-too-many-files": 400,
        "import-build-name": 400,
        "import-commit": 400,
    }
)


def _files(about: str) -> serializers.ListField:
    file = serializers.FileField(allow_empty_file=True)
    return serializers.ListField(child=file, required=False, max_length=FILES_MAX, help_text=about)


class ImportBody(StrictSerializer):
    """A form with files; a field of several files stands in it once for each."""

    build = serializers.CharField(max_length=1000, help_text="The name of the build: 1 to 200 characters.")
    commit = serializers.CharField(max_length=1000, help_text="The whole Git commit: 40 or 64 hexadecimal digits.")
    junit = _files("JUnit XML of one suite, at most 30 MB each; 100 files and 60 MB in all.")
    coverage = _files("Cobertura XML of one suite, at most 30 MB each.")


class ImportsView(ApiView):
    """Bringing the results of a suite that ran elsewhere."""

    scope = Scope.EVIDENCE_WRITE
    parser_classes = (MultiPartParser,)
    body_bytes_max = len(FILES) * FILE_BYTES_MAX + _FORM_BYTES_MAX

    def prepare(self, request: Request) -> None:
        """Read the files and store them as evidence."""
        _refuse_repeated(request)
        given = parsed(request, ImportBody)
        self.brought = actions.read_results(
            actor=self.actor(request),
            build=given["build"],
            commit=given["commit"],
            files={name: [_content(file) for file in given[name]] for name in FILES if name in given},
        )

    @extend_schema(
        summary="Import results",
        request={"multipart/form-data": ImportBody},
        responses={201: OpenApiResponse(RunDocument, description="The run, judged under the policy of imports.")},
    )
    @idempotent
    def post(self, request: Request) -> HttpResponse:
        """JUnit XML and Cobertura coverage of any project, with the name and commit of its build; one kind or both.

        The exact bytes are kept as evidence. Several files of a kind are one suite. What a file claims is held against
        what it lists, and the worse of the two counts. By itself an import releases nothing.
        """
        run = actions.import_results(actor=self.actor(request), brought=self.brought)
        location = request.build_absolute_uri(reverse("api-run", args=[run.pk]))
        return run_answer(run_id=run.pk, status=201, headers={"Location": location})


def _content(file: UploadedFile[Any]) -> bytes:
    """One byte more than is read of any file is enough to refuse it."""
    content: bytes = file.read(FILE_BYTES_MAX + 1)
    return content


def _refuse_repeated(request: Request) -> None:
    """A form may hold a text twice; which of the two was meant, nobody knows."""
    sent: Any = request.data
    repeated = [name for name, values in sent.lists() if len(values) > 1 and name not in FILES]
    if repeated:
        errors = [
            {"detail": _("This field stands in the form twice."), "pointer": f"/{name[:100]}"} for name in repeated
        ]
        raise Problem("invalid-input", 400, errors[0]["detail"], errors=errors[:20])
