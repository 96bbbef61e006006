"""Models and music enter; what the models are worth leaves: likelihoods beside baselines."""

from musiclstm.evaluation.baselines import Baseline, NGram, Uniform, Unigram

__all__ = ["Baseline", "NGram", "Uniform", "Unigram"]
