"""The console's pages of the one AdminSite, loaded with the addresses (`console.urls`).

Nothing is loaded here: templates take icons and words from this package, and pages take tags from the templates.
"""
