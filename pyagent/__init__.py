"""PyAgent runs many LLM tasks well: nothing is paid for twice and nothing is lost."""

__version__ = "0.1.0"
