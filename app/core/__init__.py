"""What every module stands on. Knows no module."""
