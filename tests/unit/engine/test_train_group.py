"""Where workers of several machines meet."""

from fsa_ray.engine.train_group import interface_of


def test_the_interface_of_an_address() -> None:
    assert interface_of("127.0.0.1") == "lo"
    assert interface_of("192.0.2.200") is None
