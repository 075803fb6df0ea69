"""The API's doors of the console: what it says about itself, phases, builds, certificates, health and metrics."""
