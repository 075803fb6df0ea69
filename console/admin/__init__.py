"""The console's pages of the one AdminSite: the first page and the audit entries.

Loaded by the admin's autodiscover; `site` is loaded before, when the apps are not ready, and imports no models.
"""
