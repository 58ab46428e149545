"""What a person can ask for at the door, a room for each kind of wish."""
