"""The client against real services: `python -m service` on free ports."""
