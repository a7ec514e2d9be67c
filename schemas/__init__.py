"""What is said: event contracts, records and the rules that bind producers."""
