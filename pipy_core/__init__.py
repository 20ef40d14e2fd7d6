"""The engine of Pipy: a programmable proxy whose pipelines of filters are described by a script."""

__version__ = "0.1.0"
