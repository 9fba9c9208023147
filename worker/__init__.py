"""The service around `dedup`: it fetches state, calls the core and commits the answer."""
