"""Tests that kill, stop and starve real processes of the platform."""
