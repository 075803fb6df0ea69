"""The console's pages of the one AdminSite: the first page and the audit entries."""
