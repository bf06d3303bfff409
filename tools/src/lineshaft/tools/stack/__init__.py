"""The local stack: Kafka, Postgres, a source system and the services as supervised processes."""
