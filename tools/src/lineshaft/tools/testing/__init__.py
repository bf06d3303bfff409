"""What fixtures hand to tests that need the real Postgres and the real Kafka."""
