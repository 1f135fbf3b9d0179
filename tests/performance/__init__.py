"""What makes the platform quick, pinned where it can be pinned without a clock."""
