"""Running Orion Loyalty on one machine: embedded servers, the demo's supervisor, the command line's helpers."""
