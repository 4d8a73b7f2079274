"""Attack and honest cases that every implementation of a format must decide alike, one folder for each format."""
