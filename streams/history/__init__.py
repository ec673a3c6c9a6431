"""Earlier holders that an operator brings along: read from files, kept in Kafka, raised in the rankings."""
