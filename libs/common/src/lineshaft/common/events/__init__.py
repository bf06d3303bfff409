"""What travels on the topics: the envelope, and one module of models per family of events."""
