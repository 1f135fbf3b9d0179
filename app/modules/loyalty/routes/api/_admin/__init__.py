"""The platform admin's face of loyalty."""
