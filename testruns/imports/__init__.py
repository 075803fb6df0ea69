"""Results of other projects' suites, read from the files their runners wrote: JUnit XML and Cobertura coverage.

Files of strangers are hostile until read: nothing here resolves, expands or fetches anything, and everything has a
limit. A file that cannot be trusted to say what it claims is refused with the reason; what it does say is measured.
"""
