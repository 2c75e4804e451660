from hypothesis import settings

# A busy machine makes single examples slow, which says nothing about them; tests of speed measure it themselves.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
