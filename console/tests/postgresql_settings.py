"""The settings of the test run on PostgreSQL, whose address stands in GATEHOUSE_TEST_DATABASE_URL.

The URL is that of a database to connect to; the tests make one of their own as a copy of it, so that what is migrated
there need not be migrated again.
"""

import os

from console.environment import database_of
from console.tests.settings import *  # noqa: F403
from console.tests.settings import STORAGE

_url = os.environ["GATEHOUSE_TEST_DATABASE_URL"]
DATABASES = {"default": database_of({"DATABASE_URL": _url}, storage=STORAGE)}
DATABASES["default"]["TEST"] = {"TEMPLATE": DATABASES["default"]["NAME"]}
