"""Invitations, session tokens and completion codes, all made with the secret of the prepared folder.

Whoever reads the database learns no token: it holds their sha256 only. Whoever holds an invitation can open its session
again on any device, so the token of an invited session follows from the invitation.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from pathlib import Path

from listening_test.prepared import SECRET
from songbench.domain.errors import InputError

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_INVITATION = re.compile(r"(0|[1-9][0-9]{0,5})\.([A-Za-z0-9_-]{43})")
_SECRET = re.compile(r"[0-9a-f]{64}")
MOST_INVITATIONS = 1_000_000


def load_secret(folder: Path) -> bytes:
    """The 32 bytes that sign for this prepared test; made, readable by the owner only, when there are none.

    Args:
        folder: of the prepared test.

    Raises:
        InputError: when the file cannot be read or made, or holds something else.
    """
    path = folder / SECRET
    try:
        if not path.exists():
            _make_secret(path)
        text = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"The secret that signs invitations cannot be read or made ({error}).",
            file=str(path),
            cure="Make the folder writable for you, or restore the file.",
        ) from None
    if not _SECRET.fullmatch(text):
        raise InputError(
            "Expected 64 hexadecimal digits.",
            file=str(path),
            cure="Restore the file; without it, delete it and send new invitations.",
        )
    return bytes.fromhex(text)


def _make_secret(path: Path) -> None:
    """A hard link is made or not, so two servers that start together agree on one secret."""
    draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    draft.touch(mode=0o600, exist_ok=False)
    try:
        draft.write_text(secrets.token_hex(32) + "\n", encoding="ascii")
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()


def token_hash(token: str) -> str:
    """What is stored of a token: its sha256, in hexadecimal."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_token() -> str:
    """256 random bits, for a rater who came without an invitation."""
    return secrets.token_urlsafe(32)


def is_token(text: object) -> bool:
    """Whether it has the form of a session token; anything else need not be looked up."""
    return isinstance(text, str) and _TOKEN.fullmatch(text) is not None


class Signer:
    """Everything that is derived from the secret; each use has a purpose of its own in what is signed.

    Args:
        secret: 32 bytes.
        test: the digest of the prepared test; nothing signed for one test holds in another.
    """

    def __init__(self, secret: bytes, test: str) -> None:
        """Keep both."""
        self._secret, self._test = secret, test

    def _sign(self, purpose: str, text: str) -> bytes:
        return hmac.new(self._secret, f"{purpose}\n{self._test}\n{text}".encode(), hashlib.sha256).digest()

    def invitation(self, number: int) -> str:
        """The invitation with this number, 0 to 999 999: the number and its signature."""
        return f"{number}.{_text(self._sign('invitation', str(number)))}"

    def number_of(self, invitation: object) -> int | None:
        """The number of a genuine invitation, else None. Takes as long for a near miss as for a far one."""
        match = _INVITATION.fullmatch(invitation) if isinstance(invitation, str) else None
        if match is None:
            return None
        number = int(match[1])
        return number if hmac.compare_digest(self.invitation(number), match[0]) else None

    def invited_token(self, number: int) -> str:
        """The session token of an invited rater: the same on every device, useless without the secret."""
        return _text(self._sign("session", str(number)))

    def panel_token(self, participant: str) -> str:
        """The session token of a rater whom a panel sent: one participant has one session, on every device."""
        return _text(self._sign("panel session", participant))

    def completion_code(self, rater: str) -> str:
        """Ten letters and digits without look-alikes, which a rater can show to be paid."""
        text = base64.b32encode(self._sign("completion", rater)).decode()[:10]
        return f"{text[:5]}-{text[5:]}"

    def audio_tag(self, token: str, page: int, player: str) -> str:
        """A name of one player of one rater, so that equal files have unequal names."""
        return _text(self._sign("audio", f"{token} {page} {player}"))[:22]


def _text(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
