"""Charts of every app: drawn as still pictures without any framework, and as a page has them: with table and values."""
