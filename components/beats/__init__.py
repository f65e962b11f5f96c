"""What beats are made of, before any file of them is read.

annotated lead -> cut.py -> rows of 187 samples           (recordings/ cuts records with it)
lead, positions -> windows.py -> shape.py, context.py    what the recording says about each beat
seed -> synthetic_waves.py -> cut.py -> synthetic.py      the demo set, in files like Kaggle's
kaggle.py                                                 the names of those files, and Kaggle's own test file
"""
