"""What developers and CI run; nothing here is part of the running application."""
