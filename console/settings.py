"""Settings of the Django project. What differs between installations comes from the environment; nothing else does.

GATEHOUSE_STORAGE      where everything that must be kept lives (default: storage/ beside this file's parent)
GATEHOUSE_PRODUCTION   1: served over HTTPS behind a proxy; refuses to start on unsafe values
GATEHOUSE_HOSTS        production: the names this console answers to, separated by commas
GATEHOUSE_SECRET_KEY   instead of the key generated into storage/keys/
GATEHOUSE_ATTESTATION_BASE
                       the address under which certificates name their types (https; need not answer)
GATEHOUSE_BASE_URL     the address under which people open this console, for links in e-mails
GATEHOUSE_MAIL_URL     smtps://user:password@host:port, smtp+starttls://... or smtp://...; without it e-mails are files
GATEHOUSE_MAIL_FROM    the address that e-mails come from
DATABASE_URL           postgresql://... instead of the SQLite file in the storage
"""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from console.environment import (
    attestation_base_of,
    base_url_of,
    database_of,
    flag_of,
    hosts_of,
    mail_of,
    secret_key_of,
    storage_of,
    time_zone_of,
)

BASE_DIR = Path(__file__).resolve().parent.parent
STORAGE = storage_of(os.environ, base=BASE_DIR)
PRODUCTION = flag_of(os.environ, "GATEHOUSE_PRODUCTION")

SECRET_KEY = secret_key_of(os.environ, keys=STORAGE / "keys", is_production=PRODUCTION)
DEBUG = False
ALLOWED_HOSTS = hosts_of(os.environ, is_production=PRODUCTION)
BASE_URL = base_url_of(os.environ, hosts=ALLOWED_HOSTS, is_production=PRODUCTION)
ATTESTATION_BASE = attestation_base_of(os.environ)  # frozen in every certificate that was issued under it

# --- apps ---------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "console.apps.ConsoleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_q",
    "rest_framework",  # for its German; every view is below console.kernel.api.views.ApiView
    "console.kernel",
    "ledger",
    "testruns",
    "console.apps.ConsoleConfig",  # last: its seeds give view permissions on what the others have migrated
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "console.middleware.CompressedPagesMiddleware",
    "console.middleware.LiveUpdatesMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "console.middleware.MaintenanceMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "console.middleware.PersonLanguageMiddleware",
    "console.middleware.PersonTimeZoneMiddleware",
    "console.middleware.RefusedMethodPageMiddleware",
    "console.middleware.UnreadableRunMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "console.urls"
WSGI_APPLICATION = "console.wsgi.application"
WEB_PROCESSES, WEB_THREADS = 2, 8  # of the web server; at most a quarter of the threads may wait for something

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

# --- database, cache, queue ---------------------------------------------------------------------------------------
DATABASES = {"default": database_of(os.environ, storage=STORAGE)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
    # Across processes, and not in the database: the cluster writes its pulse twice a second.
    "queue": {
        "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
        "LOCATION": STORAGE / "cache",
    },
}

Q_CLUSTER = {
    "name": "gatehouse",
    "label": "Queue",
    "orm": "default",
    "cache": "queue",
    "workers": 1,  # load must not disturb load: one scenario execution at a time
    "queue_limit": 1,  # a larger one prefetches tasks whose retry clock then runs while they wait
    "bulk": 1,
    "timeout": 14_400,  # beyond every execution's own deadline of at most 3 h
    "retry": 43_200,  # a re-delivered task finds its execution no longer QUEUED and returns
    "ack_failures": True,
    "max_attempts": 1,
    "catch_up": False,
    "scheduler": False,
    "poll": 0.2,
    "guard_cycle": 0.5,
    "save_limit": 1000,
}

# --- people -------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "kernel.Person"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # nobody locks out somebody else from another machine
AXES_RESET_ON_SUCCESS = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_LOCKOUT_TEMPLATE = "429.html"

# --- e-mail -------------------------------------------------------------------------------------------------------
_MAIL = mail_of(os.environ, is_production=PRODUCTION)
EMAIL_BACKEND = _MAIL.backend
EMAIL_FILE_PATH = STORAGE / "mail"
EMAIL_HOST, EMAIL_PORT = _MAIL.host, _MAIL.port
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _MAIL.user, _MAIL.password
EMAIL_USE_SSL, EMAIL_USE_TLS = _MAIL.is_tls, _MAIL.is_starttls
EMAIL_TIMEOUT = 10  # seconds for each word of the server; a whole e-mail has its own limit
DEFAULT_FROM_EMAIL = SERVER_EMAIL = _MAIL.sender

# --- the API ------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],  # the browsable API breaks the CSP
    "DEFAULT_PARSER_CLASSES": ["console.kernel.api.parsing.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "console.kernel.api.schema.ApiSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "console.kernel.api.problems.answer_to",
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Gatehouse",
    "DESCRIPTION": "Trigger runs, bring results, wait for the verdict, ask for the commit in hand. Nothing here signs.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "SERVE_INCLUDE_SCHEMA": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["console.kernel.api.schema.complete"],
}

# --- languages and time -------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German"))]
LOCALE_PATHS = [BASE_DIR / "console" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = time_zone_of(os.environ)

# --- static files -------------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = BASE_DIR / ".static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},  # nothing is ever uploaded to it
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- what browsers are told ---------------------------------------------------------------------------------------
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_NAME = "gatehouse_session"
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_NAME = "gatehouse_csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "console.views.csrf_failure"

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS] if PRODUCTION else []

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 2**20
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200

# --- log ----------------------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "django-q": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "django.request": {"level": "ERROR"},  # a request that was refused (4xx) is the client's business
    },
}

if PRODUCTION and STORAGE == BASE_DIR / "storage":
    raise ImproperlyConfigured(
        "GATEHOUSE_PRODUCTION needs GATEHOUSE_STORAGE: keep the evidence outside the source tree."
    )
