"""What is kept in Redis: one file per thing kept. Nothing outside this package imports redis."""
