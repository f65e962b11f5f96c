"""Between examples and training: normalisation learnt on the train split, and the study's noise."""
