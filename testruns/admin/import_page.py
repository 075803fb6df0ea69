"""The page on which a person without a pipeline brings results of another suite."""

from __future__ import annotations

from typing import Final

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from console.kernel.authority import Act
from console.kernel.doors import actor_of, explain, why_not
from console.kernel.errors import GatehouseError, InvalidInput
from console.kernel.posted_once import posted_once
from testruns import actions
from testruns.imports.limits import FILE_BYTES_MAX

FILES: Final = ("junit", "coverage")
_MEGABYTE: Final = 10**6


class ImportForm(forms.Form):
    """Name and commit of the build, and files of one kind or both. What the values may be, the action says.

    Of several files in a field Django checks the last one; the action reads all of them.
    """

    build = forms.CharField(
        label=gettext_lazy("Name of the build"),
        error_messages={"required": gettext_lazy("Name of the build: enter one, such as shop.")},
    )
    commit = forms.CharField(
        label=gettext_lazy("Git commit"),
        error_messages={"required": gettext_lazy("Git commit: enter all 40 or 64 digits of it.")},
    )
    junit = forms.FileField(
        required=False, allow_empty_file=True, label=gettext_lazy("Test report (JUnit XML)"), max_length=None
    )
    coverage = forms.FileField(
        required=False, allow_empty_file=True, label=gettext_lazy("Coverage report (Cobertura XML)"), max_length=None
    )

    def refuse(self, refusal: InvalidInput) -> None:
        """Show a refusal beside its field, under the name the field has here."""
        named = str(refusal.params["field"])
        field, bracket, place = named.partition("[")
        said = explain(refusal).removeprefix(f"{named}: ")
        self.add_error(field, f"{self.fields[field].label}{bracket and ' ['}{place}: {said}")


def import_results_page(request: HttpRequest) -> HttpResponse:
    """GET: the form. POST: read the files, keep them, and go to the judged run; what is refused stands in the form."""
    form = ImportForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        answer = _import(request, form)
        if answer is not None:
            return answer
    context = {
        **admin.site.each_context(request),
        "title": _("Import results"),
        "form": form,
        "why_not": why_not(request, Act.IMPORT_RESULTS),
        "megabytes": FILE_BYTES_MAX // _MEGABYTE,
    }
    return TemplateResponse(request, "testruns/import.html", context, status=422 if form.is_bound else 200)


def _import(request: HttpRequest, form: ImportForm) -> HttpResponse | None:
    """Call the actions; None after a refusal. A browser does not send a chosen file again, so the reader is told."""
    actor, values = actor_of(request), form.cleaned_data
    files = {name: [file.read(FILE_BYTES_MAX + 1) for file in request.FILES.getlist(name)] for name in FILES}
    try:
        brought = actions.read_results(actor=actor, build=values["build"], commit=values["commit"], files=files)
        number = posted_once(request, lambda: actions.import_results(actor=actor, brought=brought).pk)
    except InvalidInput as refusal:
        form.refuse(refusal)
        return None
    except GatehouseError as refusal:
        messages.error(request, explain(refusal))
        return None
    messages.success(request, _("The results are imported and judged as run %(number)s.") % {"number": number})
    return redirect("admin:testruns_run_change", number)
