"""What a beat is: its shape, its classes, how it is cut from a record, and how demo beats are made."""
