"""Notifications: who is told what, once; e-mails; the pages."""
