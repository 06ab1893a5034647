"""The web server of `pyagent serve`: guard, API, event stream, panels and the built front-end."""
