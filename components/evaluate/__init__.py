"""How a trained model is measured, judged and, where it falls short, refused in words."""
