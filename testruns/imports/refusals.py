"""Why a file of results is not read: one refusal per reason, each with the file, what was found, and where."""

from __future__ import annotations

from console.kernel.errors import InvalidInput
from ledger import gettext_noop


class UnusableFile(InvalidInput):
    """A file that cannot be read as what it claims to be. `field` is the name it was sent by, `junit` or `coverage`."""

    code = "import-file"


class FileEmpty(UnusableFile):
    """There is nothing in it."""

    code = "import-file-empty"
    message = gettext_noop("%(field)s: the file is empty. Send it as the test runner wrote it.")


class FileTooLarge(UnusableFile):
    """It is larger than what is read."""

    code = "import-file-too-large"
    message = gettext_noop(
        "%(field)s: the file has more than %(high)s bytes, which is not read. Leave out the output of the tests, "
        "or split the suite."
    )


class NotXml(UnusableFile):
    """It does not even begin like XML."""

    code = "import-file-not-xml"
    message = gettext_noop(
        "%(field)s: this is not XML, it begins with the byte %(byte)s instead of “<”. Binary and compressed files "
        "are not read."
    )


class UnknownEncoding(UnusableFile):
    """Its characters cannot be told apart from what it says about them."""

    code = "import-file-encoding"
    message = gettext_noop("%(field)s: the file is in the encoding %(encoding)s, which is not read. Write it as UTF-8.")


class NotUtf8(UnusableFile):
    """It claims UTF-8, also by saying nothing, and is not."""

    code = "import-file-not-utf-8"
    message = gettext_noop("%(field)s: the file is not valid UTF-8 in line %(line)s (byte %(offset)s).")


class Malformed(UnusableFile):
    """It is not well-formed XML; a file that was cut off is none either."""

    code = "import-file-malformed"
    message = gettext_noop("%(field)s: the file is broken in line %(line)s, column %(column)s: %(reason)s.")


class Declares(UnusableFile):
    """It declares what a report never needs and an attack does."""

    code = "import-file-declares"
    message = gettext_noop(
        "%(field)s: the file has %(reason)s in line %(line)s. Declarations and entities are never read; "
        "write the file without them."
    )


class WrongRoot(UnusableFile):
    """It is XML of another kind."""

    code = "import-file-wrong-root"
    message = gettext_noop("%(field)s: this is another kind of XML, it begins with <%(found)s>. Expected is %(known)s.")


class Misplaced(UnusableFile):
    """An element that counts stands where the format has none, so what it counts for is unknown."""

    code = "import-file-misplaced"
    message = gettext_noop(
        "%(field)s: the file has <%(found)s> within <%(parent)s> in line %(line)s, where this format has none."
    )


class BeyondLimit(UnusableFile):
    """More of something than is read."""

    code = "import-file-limit"
    message = gettext_noop("%(field)s: the file goes beyond a limit in line %(line)s: %(reason)s, at most %(high)s.")


class TooManyFiles(InvalidInput):
    """An import of more files than are read at once."""

    code = "import-too-many-files"
    message = gettext_noop(
        "%(field)s: %(count)s files were brought, at most %(high)s are read at once. Let the test runner write fewer."
    )


class NothingBrought(InvalidInput):
    """An import without a file."""

    code = "import-nothing"
    message = gettext_noop("%(field)s: bring a test report (JUnit XML), a coverage report (Cobertura), or both.")


class UnusableBuildName(InvalidInput):
    """A build whose name cannot stand on a screen."""

    code = "import-build-name"
    message = gettext_noop("%(field)s: name the build in 1 to %(high)s characters, on one line.")


class UnusableCommit(InvalidInput):
    """A commit that could mean several builds."""

    code = "import-commit"
    message = gettext_noop("%(field)s: give the whole Git commit, 40 or 64 hexadecimal digits.")
