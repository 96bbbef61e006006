"""A model and a piece enter; what happens in the LSTM's cells leaves: gates, memory, surprise."""
