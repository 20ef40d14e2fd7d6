"""``http.File``: files of the codebase as responses."""
