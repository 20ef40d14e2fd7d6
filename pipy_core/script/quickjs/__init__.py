"""The engine QuickJS, through quickjs-ng."""
