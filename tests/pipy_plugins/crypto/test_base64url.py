"""base64url: what is read, and that each content has one form only."""

from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipy_plugins.crypto.base64url import decoded


@given(content=st.binary(max_size=20))
def test_comes_back(content: bytes) -> None:
    assert decoded(urlsafe_b64encode(content).decode().rstrip("=")) == content


@pytest.mark.parametrize("text", ["A", "AAAAA", "AA==", "A A", "A+/A", "AB", "AAB", "\u00e9AAA", "AA\n"])
def test_what_is_no_base64url(text: str) -> None:
    with pytest.raises(ValueError, match="base64url"):
        decoded(text)
