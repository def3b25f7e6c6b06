"""The page in the browser, an optional extra: thin, all it calls is public in `ganimate`."""
