"""The form for people without a pipeline: it leads to the judged run, and says beside the field what is wrong."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from console.kernel.authority import Role
from console.kernel.models import AuditEntry
from console.tests.people import person_with
from testruns.models import Evidence, Run
from testruns.tests.imports.reports import UNIT, coverage

pytestmark = pytest.mark.django_db

ADDRESS = "/admin/testruns/run/import/"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def signed_in(*roles: Role) -> Client:
    """The browser of somebody with these roles."""
    client = Client()
    client.force_login(person_with(*roles))
    return client


def send(client: Client, **sent: Any) -> Any:
    """Send the form; bytes become files, None leaves a field out."""
    form = {"build": "shop", "commit": COMMIT, "junit": UNIT} | sent
    fields = {
        name: SimpleUploadedFile(f"{name}.xml", value) if isinstance(value, bytes) else value
        for name, value in form.items()
        if value is not None
    }
    return client.post(ADDRESS, fields)


def test_a_person_brings_both_files_and_sees_the_verdict() -> None:
    """From the list over the form to the page of the judged run."""
    client = signed_in(Role.TESTER)

    assert f'href="{ADDRESS}"' in client.get("/admin/testruns/run/").content.decode()
    assert 'enctype="multipart/form-data"' in client.get(ADDRESS).content.decode()
    answer = send(client, coverage=coverage(1, 1))

    run = Run.objects.get()
    assert answer.headers["Location"] == f"/admin/testruns/run/{run.pk}/"
    assert (run.via, run.recommendation) == ("console", "GO")
    assert f"judged as run {run.pk}" in client.get(answer.headers["Location"]).content.decode()


def test_a_form_that_is_sent_again_leads_to_the_same_run() -> None:
    """The same files once; the same names with other content, from the same form, are another import."""
    client = signed_in(Role.TESTER)
    (key,) = re.findall(r'name="_key" value="([\w-]{16,64})"', client.get(ADDRESS).content.decode())

    first, again = (send(client, _key=key).headers["Location"] for _ in range(2))
    other = send(client, _key=key, junit=UNIT + b"\n").headers["Location"]

    assert first == again != other
    assert Run.objects.count() == 2


@pytest.mark.parametrize(
    ("sent", "field", "said"),
    [
        ({"build": ""}, "build", "Name of the build: enter one"),
        ({"build": "x" * 201}, "build", "Name of the build: name the build in 1 to 200 characters"),
        ({"commit": "main"}, "commit", "Git commit: give the whole Git commit"),
        ({"junit": b""}, "junit", "Test report (JUnit XML): the file is empty"),
        ({"junit": b"<html/>"}, "junit", "Test report (JUnit XML): this is another kind of XML"),
        ({"junit": None}, "junit", "bring a test report"),
        ({"coverage": b"\x1f\x8b"}, "coverage", "Coverage report (Cobertura XML): this is not XML"),
    ],
)
def test_what_is_wrong_stands_beside_its_field(sent: dict[str, Any], field: str, said: str) -> None:
    """422, what was typed is still there, and nothing is stored."""
    answer = send(signed_in(Role.ENGINEER), **sent)

    assert answer.status_code == 422
    assert said in answer.context["form"].errors[field][0]
    assert f'value="{COMMIT}"' in answer.content.decode() or field == "commit"
    assert (Run.objects.count(), Evidence.objects.count()) == (0, 0)


def test_whoever_may_not_import_sees_why_and_is_refused() -> None:
    """The button is disabled with the reason; sending the form all the same leaves an audit entry."""
    client = signed_in(Role.REVIEWER)

    page = client.get(ADDRESS).content.decode()
    answer = send(client)

    assert "This takes one of these roles: engineer, tester, supervisor." in page
    assert "It takes one of these roles" in answer.content.decode()
    assert AuditEntry.objects.latest("index").code == "not-allowed"
    assert Run.objects.count() == 0


def test_a_supervisor_is_warned_before_losing_the_seat() -> None:
    """Whoever brings results of a build does not decide about it."""
    assert "Whoever imports results cannot be" in signed_in(Role.SUPERVISOR).get(ADDRESS).content.decode()


def test_reading_the_page_changes_nothing() -> None:
    """Also with everything in the address."""
    before = AuditEntry.objects.count()
    client = signed_in(Role.TESTER)
    entries = AuditEntry.objects.count()

    client.get(ADDRESS, {"build": "shop", "commit": COMMIT})

    assert (AuditEntry.objects.count(), Run.objects.count()) == (entries, 0)
    assert entries >= before


def test_a_file_of_evidence_is_handed_out_as_a_file() -> None:
    """Never as a page of this console, whatever it holds."""
    client = signed_in(Role.TESTER)
    send(client)
    binding = Run.objects.get().evidence.get()

    answer = client.get(f"/admin/testruns/run/{binding.run_id}/evidence/{binding.pk}/")

    assert answer.content == UNIT
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert answer.headers["Content-Disposition"].endswith('.xml"')
