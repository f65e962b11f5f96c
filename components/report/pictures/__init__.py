"""What is drawn: each function takes numbers and gives a picture with its words."""
