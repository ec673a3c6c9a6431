"""Step 1 and 2 of the path: chunks of records from Kafka, admitted or rejected."""
