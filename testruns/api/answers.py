"""A run as an answer: its document as bytes, made once for each version of the run."""

from __future__ import annotations

from typing import cast

import orjson
from django.core.cache import cache
from django.http import Http404, HttpResponse
from django.utils.translation import get_language

from testruns.api.documents import document_of
from testruns.reading import read_run, run_token

KEPT_SECONDS = 60


def run_answer(*, run_id: int, status: int = 200, headers: dict[str, str] | None = None) -> HttpResponse:
    """The document of a run. Http404."""
    content = document_bytes(run_id=run_id, token=run_token(run_id=run_id))
    return HttpResponse(content, content_type="application/json", status=status, headers=headers)


def document_bytes(*, run_id: int, token: str) -> bytes:
    """The document as JSON. No query when this process made it for this token in the last minute. Http404.

    A run that waits is always read: why it waits is not in its token.
    """
    key = f"run-document:{run_id}:{token}:{get_language()}"
    content = cache.get(key)
    if content is None:
        view = read_run(run_id=run_id)
        if view is None:
            raise Http404
        content = orjson.dumps(document_of(view))
        if view.waiting is None:
            cache.set(key, content, KEPT_SECONDS)
    return cast("bytes", content)
