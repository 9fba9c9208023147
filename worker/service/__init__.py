"""The use cases: load, let the core decide, commit."""
