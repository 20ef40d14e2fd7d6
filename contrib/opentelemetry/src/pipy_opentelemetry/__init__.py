"""OpenTelemetry traces for Pipy."""
