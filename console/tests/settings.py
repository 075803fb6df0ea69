"""The settings of the test run: those of the product on a storage of its own, which the test run removes at its end.

The test database is the SQLite file that the product itself would open in that storage, so a process that a test starts
with GATEHOUSE_STORAGE and `console.settings` sees the rows of the test.
"""

import os
import tempfile

for name in ("DATABASE_URL", "GATEHOUSE_PRODUCTION", "GATEHOUSE_HOSTS", "GATEHOUSE_SECRET_KEY"):
    os.environ.pop(name, None)
os.environ["GATEHOUSE_STORAGE"] = tempfile.mkdtemp(prefix="gatehouse-tests-")

from console.settings import *  # noqa: E402, F403
from console.settings import DATABASES, STORAGE, STORAGES  # noqa: E402
from console.signing_keys import create_first  # noqa: E402

DATABASES["default"]["TEST"] = {"NAME": STORAGE / "gatehouse.sqlite3"}
STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
create_first(directory=STORAGE / "keys")
STATIC_ROOT = STORAGE / "static"  # nothing is collected: the files are served from where they lie
STATIC_ROOT.mkdir()
WHITENOISE_USE_FINDERS = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
