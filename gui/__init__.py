"""Everything a person sees. It knows core; core knows nothing of it."""
