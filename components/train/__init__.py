"""From transformed beats to a SavedModel.

    Transform's examples and graph
      -> data        both splits as matrices on disk; the normalisation
      -> batches     rows by policy, shuffled, augmented, normalised
      -> networks    body and head, in towers
      -> loop        fit: epochs, averaged weights, validation, curves
      -> calibrate   temperature and abstention, weighted by poststratify
      -> export      SavedModel and Keras file

`tuner`, `trainer` and `finetuner` are the stages: each runs these steps in its own order.
"""
