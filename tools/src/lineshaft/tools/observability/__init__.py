"""A real Prometheus for tests and the demo, and the questions that the Grafana dashboards ask it."""
