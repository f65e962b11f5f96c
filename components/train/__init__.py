"""From transformed beats to a SavedModel: networks, input, tuner, trainer, fine-tuner, export."""
