"""musiclstm: a folder of music goes in, a stacked LSTM learns it, new music comes out."""

__version__ = "0.1.0"
