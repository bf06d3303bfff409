"""A source system to rehearse with: a plant's data behind a small REST interface, and an admin's hands."""
