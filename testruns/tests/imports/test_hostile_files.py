"""Files that are broken or made to harm: refused with what and where, in moments, with nothing fetched or expanded."""

from __future__ import annotations

import gzip
import time
import tracemalloc
from collections.abc import Callable

import pytest

from testruns.imports import cobertura, junit
from testruns.imports.cobertura import read_cobertura
from testruns.imports.junit import read_junit
from testruns.imports.limits import FILE_BYTES_MAX
from testruns.imports.refusals import (
    BeyondLimit,
    Declares,
    FileEmpty,
    FileTooLarge,
    Malformed,
    Misplaced,
    NotUtf8,
    NotXml,
    UnknownEncoding,
    UnusableFile,
    WrongRoot,
)
from testruns.imports.results import Results
from testruns.tests.imports.reports import UNIT, coverage, figures, passing, suite

BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE testsuite [
 <!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">
]>
<testsuite name="&c;"/>"""
OUTSIDE = b'<?xml version="1.0"?>\n<!DOCTYPE t [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n<testsuite>&x;</testsuite>'
FETCHED = b'<!DOCTYPE testsuite SYSTEM "http://127.0.0.1:9/x.dtd"><testsuite/>'
PARAMETER = b'<!DOCTYPE t [<!ENTITY % x SYSTEM "http://127.0.0.1:9/x"> %x;]><testsuite/>'

HOSTILE: list[tuple[bytes, type[UnusableFile], str]] = [
    (b"", FileEmpty, "is empty"),
    (b" \n\t " * 300, FileEmpty, "is empty"),
    (b"\x89PNG\r\n\x1a\n" + bytes(500), NotXml, "0x89"),
    (gzip.compress(UNIT), NotXml, "0x1f"),
    (b"PK\x03\x04", NotXml, "0x50"),
    (b'{"tests": 74}', NotXml, "0x7b"),
    (BOMB, Declares, r"document type \(DTD\) in line 2"),
    (OUTSIDE, Declares, r"document type \(DTD\) in line 2"),
    (FETCHED, Declares, r"document type \(DTD\) in line 1"),
    (PARAMETER, Declares, r"document type \(DTD\)"),
    (b"<testsuite>&undefined;</testsuite>", Malformed, "line 1, column 11: undefined entity"),
    (UNIT[: len(UNIT) // 2], Malformed, "line 1"),
    (b"<testsuite><testcase></testsuite>", Malformed, "mismatched tag"),
    (b'<testsuite a="1" a="2"/>', Malformed, "duplicate attribute"),
    (b"<testsuite/><testsuite/>", Malformed, "junk after document element"),
    (b"<testsuite>\n<testcase name='\x01'/></testsuite>", Malformed, "line 2"),
    (b"<testsuite>\n\xff</testsuite>", NotUtf8, "line 2 .byte 12."),
    (b'<?xml version="1.0" encoding="UTF-7"?><testsuite/>', UnknownEncoding, "utf-7"),
    (b'<?xml version="1.0" encoding="../../x"?><testsuite/>', UnknownEncoding, "x"),
    ('<?xml version="1.0" encoding="klingon"?><testsuite/>'.encode("utf-16"), UnusableFile, "junit"),
    (b"<html><body/></html>", WrongRoot, "<html>.*<testsuites> <testsuite>"),
    (b"<assemblies/>", WrongRoot, "<assemblies>"),
    (coverage(1, 1), WrongRoot, "<coverage>"),
    (
        b"<testsuite><testcase><testcase/></testcase></testsuite>",
        Misplaced,
        "<testcase> within <testcase>",
    ),
    (b"<testsuite><group>\n<testcase/></group></testsuite>", Misplaced, "<testcase> within <group> in line 2"),
    (b"<testsuite><testcase><testsuite/></testcase></testsuite>", Misplaced, "<testsuite> within <testcase>"),
    (b"<testsuite>" * 100 + b"</testsuite>" * 100, BeyondLimit, "elements within elements, at most 64"),
    (b"<testsuite>" * 50_000, BeyondLimit, "elements within elements, at most 64"),
    (suite(f'<testcase name="{"x" * 300_000}"/>'), BeyondLimit, "characters in one attribute, at most 262144"),
    (suite("", " ".join(f'a{n}="1"' for n in range(70))), BeyondLimit, "attributes of one element, at most 64"),
]


@pytest.mark.parametrize(("content", "refusal", "what"), HOSTILE)
def test_a_broken_or_hostile_file_is_refused_with_the_reason(
    content: bytes, refusal: type[UnusableFile], what: str
) -> None:
    """The name it was sent by, what is wrong, and in which line."""
    with pytest.raises(refusal, match=what) as caught:
        read_junit(content)

    assert str(caught.value).startswith("junit: ")


@pytest.mark.parametrize("content", [BOMB, OUTSIDE, PARAMETER, b"", UNIT, b"<coverage>", b"<coverage>" * 99])
def test_coverage_is_read_by_the_same_rules(content: bytes) -> None:
    """Another format, the same parser."""
    with pytest.raises(UnusableFile, match=r"^coverage: "):
        read_cobertura(content)


def test_the_bare_document_type_that_coverage_tools_write_is_not_followed() -> None:
    """gcovr and istanbul begin their files with it; no address is ever asked."""
    body = coverage(1, 2).split(b"?>", 1)[1]
    declared = b"<!DOCTYPE coverage SYSTEM 'http://cobertura.sourceforge.net/xml/coverage-04.dtd'>"

    assert figures(read_cobertura(declared + body))["lines"] == 2


@pytest.mark.parametrize(
    "declared",
    [
        "coverage SYSTEM 'http://evil.example/coverage-05.dtd'",
        "coverage SYSTEM 'file:///xml/coverage-04.dtd'",
        "coverage SYSTEM 'http://cobertura.sourceforge.net/xml/coverage-04.dtd' [<!ENTITY a 'b'>]",
        "other SYSTEM 'http://cobertura.sourceforge.net/xml/coverage-04.dtd'",
        "coverage",
    ],
)
def test_any_other_document_type_is_refused(declared: str) -> None:
    """Only that one, and only without content."""
    body = coverage(1, 2).split(b"?>", 1)[1]

    with pytest.raises(Declares, match=r"document type \(DTD\)"):
        read_cobertura(f"<!DOCTYPE {declared}>".encode() + body)


def test_an_entity_of_the_unread_document_type_is_refused() -> None:
    """With a type that is not followed, the parser would leave such an entity out without a word."""
    declared = b"<!DOCTYPE coverage SYSTEM 'http://cobertura.sourceforge.net/xml/coverage-04.dtd'>"

    with pytest.raises(Declares, match="an entity"):
        read_cobertura(declared + b"<coverage><sources>&x;</sources></coverage>")


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + UNIT,
        UNIT.replace(b'encoding="utf-8"', b'encoding="US-ASCII"'),
        UNIT.decode().replace('encoding="utf-8"', 'encoding="utf-16"').encode("utf-16"),
        b"\n" * 2000 + UNIT.split(b"?>", 1)[1],
    ],
)
def test_honest_files_in_other_dress_are_read(content: bytes) -> None:
    """A byte order mark, ASCII, UTF-16 as Windows shells write it, blank lines before the root."""
    assert figures(read_junit(content))["cases"] == 74


def test_more_cases_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is named; here it is lowered, so that the test need not write 200,000 cases."""
    monkeypatch.setattr(junit, "CASES_MAX", 100)

    read_junit(passing(100))
    with pytest.raises(BeyondLimit, match="test cases, at most 100"):
        read_junit(passing(101))


def test_more_lines_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """As for cases."""
    monkeypatch.setattr(cobertura, "LINES_MAX", 100)

    read_cobertura(coverage(0, 100))
    with pytest.raises(BeyondLimit, match="lines, at most 100"):
        read_cobertura(coverage(0, 101))


def test_thirty_megabytes_are_read_and_a_byte_more_is_not() -> None:
    """The size is looked at before anything else."""
    frame, text = b"<testsuite><testcase name='a'><system-out>", b"</system-out></testcase></testsuite>"
    whole = frame + b"x" * (FILE_BYTES_MAX - len(frame) - len(text)) + text

    assert figures(read_junit(whole))["cases"] == 1
    with pytest.raises(FileTooLarge, match="more than 30000000 bytes"):
        read_junit(whole + b" ")


def _long_attribute() -> bytes:
    return b'<testsuite name="' + b"x" * 12_000_000 + b'"/>'


def _long_comment() -> bytes:
    return b"<testsuite><!-- " + b"-x" * 6_000_000 + b"--></testsuite>"


def _many_names() -> bytes:
    return b"<testsuite>" + b"".join(b"<testcase name='%d'/>" % n for n in range(5_000)) + b"</testsuite>"


@pytest.mark.parametrize("made", [_long_attribute, _long_comment, _many_names])
def test_large_files_take_seconds_not_minutes_and_little_memory(made: Callable[[], bytes]) -> None:
    """An endless attribute is not looked at again and again; a reader keeps a short key per case, not the file."""
    content = made()

    tracemalloc.start()
    began = time.process_time()
    try:
        _read_or_refused(content)
    finally:
        took, (_now, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
        tracemalloc.stop()

    assert took < 20
    assert peak < 60_000_000


def _read_or_refused(content: bytes) -> Results | None:
    try:
        return read_junit(content)
    except BeyondLimit:
        return None


@pytest.mark.parametrize("content", [passing(3), coverage(2, 3)])
def test_no_prefix_of_a_file_passes_for_the_whole(content: bytes) -> None:
    """A file that was cut off anywhere is refused; half a suite never looks like a small green one."""
    read = read_cobertura if b"<coverage" in content else read_junit
    for length in range(len(content)):
        with pytest.raises(UnusableFile):
            read(content[:length])
