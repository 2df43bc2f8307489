"""Stage 8: evidence -> drafts of statements, by rules (`extractive`) or a chat model."""
