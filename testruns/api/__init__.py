"""The API's doors of runs, their results and their evidence."""
