"""What was refused: choosing rejects, showing them without personal data, driving them again."""
