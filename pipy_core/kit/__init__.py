"""Pure functions that more than one filter needs."""
