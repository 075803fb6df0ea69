"""The settings of the benchmark's server: the product's own, and one address more."""

from console.settings import *  # noqa: F403

ROOT_URLCONF = "console.bench.urls"
