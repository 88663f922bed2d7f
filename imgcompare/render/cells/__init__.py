"""The cells of tables and the sentences around them, made once and drawn by every format."""
