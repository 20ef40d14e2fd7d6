"""The only rooms that know V8."""
