"""The application that gunicorn serves. It refuses to load while the database does not protect its history.

Everything that requests need is loaded with it, once, before the server's processes are forked: they share it. No
collection of garbage goes through that again: one took 50 to 90 ms, in the middle of whichever request it met.
"""

import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connections

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
application = get_wsgi_application()

from console.kernel import triggers  # noqa: E402 - needs the apps loaded above

triggers.verify()
import_module(settings.ROOT_URLCONF)
connections.close_all()  # no connection to a database may be shared by two processes
gc.collect()
gc.freeze()
