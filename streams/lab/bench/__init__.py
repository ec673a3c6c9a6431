"""The bench: several programs side by side on one topic, with the CPU that each of them costs."""
