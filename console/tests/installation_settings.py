"""The settings of whole installations that tests set up: the product's, but a password costs nothing to check."""

from console.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # the product's takes 0.7 s of a processor each
