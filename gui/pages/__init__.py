"""The pages, each found by being here."""
