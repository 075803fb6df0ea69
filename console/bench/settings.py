"""The settings of the benchmark's server: the product's own, one address more, and passwords that cost nothing."""

from console.settings import *  # noqa: F403

ROOT_URLCONF = "console.bench.urls"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # nobody signs in: clients come with tokens
