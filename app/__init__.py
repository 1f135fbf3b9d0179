"""Orion Loyalty."""
