"""Places elsewhere that hold the edition, and hosts that raise addresses in front of them: one file for each kind."""
