"""What a run tells: events, probes, mailbox, history."""
