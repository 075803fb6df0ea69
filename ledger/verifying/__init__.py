"""Verifying a whole journal for people: beside the web server, in a process of its own, with its progress in files.

`reading` reads the journal twice and says what it found; `standing` keeps how far that is and what came of it;
`starting` starts it, once however many ask.
"""
