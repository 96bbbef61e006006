"""What our model is compared with: other networks and models, on the same rows and masks."""
