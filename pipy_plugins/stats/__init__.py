"""Metrics: what scripts count, and how it is shown to Prometheus."""
