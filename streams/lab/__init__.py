"""The lab: embedded servers, the simulator with its truth, the audit, the demo and the bench."""
