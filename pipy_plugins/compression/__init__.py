"""Compressed bodies: gzip, deflate, br and zstd, both ways."""
