"""The application that gunicorn serves. It refuses to load while the database does not protect its history."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "console.settings")
application = get_wsgi_application()

from console.kernel import triggers  # noqa: E402 - needs the apps loaded above

triggers.verify()
