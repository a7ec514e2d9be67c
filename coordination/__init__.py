"""What is decided: pure functions, without Kafka, clock, environment or logging."""
