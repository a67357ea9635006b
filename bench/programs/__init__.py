"""Programs as they are: those of others, unedited, and faulty and healthy ones of our own."""
