"""Tests of languages and formatting."""
