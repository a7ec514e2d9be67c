"""What a person runs: the command line, local Kafka, the demonstration."""
