"""What the API answers, as models: for its description only. Answers are made by hand, and a test compares the two."""
