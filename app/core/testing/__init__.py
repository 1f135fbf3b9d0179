"""What tests stand on: a real PostgreSQL for every session, the real application, no other network."""
