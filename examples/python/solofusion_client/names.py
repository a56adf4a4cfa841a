"""Names of rigs and cameras as tokens of subjects and keys."""

import string

_PLAIN = set((string.ascii_letters + string.digits + "_-").encode())


def token(name: str) -> str:
    """The token of a name: letters, digits, _ and - are themselves, other bytes are =XX.

    >>> token("CAM_FRONT"), token("vorn links")
    ('CAM_FRONT', 'vorn=20links')
    """
    return "".join(chr(b) if b in _PLAIN else f"={b:02X}" for b in name.encode())
