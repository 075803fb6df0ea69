"""Verifying the live journal for releases: beside the console, on record for whoever may."""
