"""The API under /api/v1, one noun a file."""
