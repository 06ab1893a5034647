"""Which model gets a prompt: the cheapest that is measured, or has shown, to be good enough."""
