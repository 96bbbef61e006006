"""Settings, and for some a model and music, enter; what textbooks say, run and measured, leaves."""
