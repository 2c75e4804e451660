"""One file per stage: what (the domain rooms) meets how (the engine)."""
