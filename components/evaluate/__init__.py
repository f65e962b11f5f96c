"""How good a trained model is, and whether it may be pushed.

    test beats, three models, noise
      -> judge   metrics, intervals, calibration  -> judgement.json, predictions.npz
      -> gate    thresholds, comparison with the model that serves now  -> verdict.json, or a refusal

TFMA's Evaluator measures the served model beside it (tfma_config); the gate requires its blessing too.
"""
