"""How fast the API answers: a real server on a storage of its own, and clients that ask it over loopback."""
