"""The engine V8, through mini-racer."""
