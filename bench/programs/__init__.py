"""Programs as they are: those of strangers, unedited, and faulty and healthy ones of our own."""
