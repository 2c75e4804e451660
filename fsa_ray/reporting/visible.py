"""Control characters made visible, so that text of strangers steers neither a terminal nor a page."""

_PICTURES = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\t\n"}
_CONTROLS = _PICTURES | {127: "\u2421"} | dict.fromkeys(range(128, 160), "�")


def visible(text: str) -> str:
    """`text` with a printable sign in place of each control character except tab and line feed."""
    return text.replace("\r\n", "\n").translate(_CONTROLS)
