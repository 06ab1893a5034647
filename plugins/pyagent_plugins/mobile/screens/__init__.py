"""The places of the app, one a file: what is on the screen and what a thumb does there."""
