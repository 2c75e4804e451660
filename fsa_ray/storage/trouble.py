"""What can be wrong with an object store, in words that name the place and the mend."""


class StoreRefuses(OSError):
    """No such bucket, wrong credentials, wrong region: the user can mend it, another try cannot."""


class StoreSilent(OSError):
    """The store did not answer in time, or only that it cannot: another try may mend it."""
