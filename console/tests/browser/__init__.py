"""The screens in a real browser, and their views in the test client."""
