"""The global ``crypto`` (spec: api.md, 8), on the library ``cryptography``; digests are those of ``hashlib``."""
