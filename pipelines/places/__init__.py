"""Where an agreement is: level, counties, town, the FBI's number, people served, each with its evidence."""
