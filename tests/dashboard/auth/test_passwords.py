"""Which passwords may be set."""

import pytest

from dashboard.auth.passwords import WrongPassword, refuse_weak

SHORT, LONG, NAME, COMMON = "at least 12", "at most 200", "login name", "easy to guess"


@pytest.mark.parametrize(
    ("password", "login", "why"),
    [
        pytest.param("Tr7-vLq8Zr2", "ada", SHORT, id="eleven characters"),
        pytest.param("Tr7-vLq8Zr2n" * 20, "ada", LONG, id="more than anybody types"),
        pytest.param("password1234", "ada", COMMON, id="a common one with figures"),
        pytest.param("P@ssw0rd1234", "ada", COMMON, id="with signs that look like its letters"),
        pytest.param("PASSWORDpassword", "ada", COMMON, id="twice"),
        pytest.param("drowssap4321", "ada", COMMON, id="backwards"),
        pytest.param("1qaz2wsx3edc", "ada", COMMON, id="the keys as they lie"),
        pytest.param("aaaaaaaaaaaaaaaaaaaa", "ada", COMMON, id="one character"),
        pytest.param("a" * 150, "ada", COMMON, id="one character, more often than is estimated at once"),
        pytest.param("123456789012", "ada", COMMON, id="counted"),
        pytest.param("x-lovelace-vLq8Zr2n", "Lovelace", NAME, id="with the login name in it"),
        pytest.param("ada@example.org", "ada@example.org", NAME, id="the login name itself"),
    ],
)
def test_a_password_that_others_guess_is_refused_in_one_sentence(password: str, login: str, why: str) -> None:
    with pytest.raises(WrongPassword, match=why) as refused:
        refuse_weak(password, login)
    assert str(refused.value).count(".") == 1


@pytest.mark.parametrize(
    ("password", "login"),
    [
        pytest.param("correct horse battery", "ada", id="three words"),
        pytest.param("vLq8Zr2nWw5c", "ada", id="twelve that nobody thought of"),
        pytest.param("zwölf Boxkämpfer jagen", "ada", id="in another language"),
        pytest.param("a readable sentence", "ada", id="a short name is in many words"),
        pytest.param("vLq8Zr2nWw5c" * 16, "ada", id="longer than what is estimated"),
        pytest.param("a" * 80 + "vLq8Zr2nWw5c", "ada", id="hard to guess only at its end"),
    ],
)
def test_others_may_be_set(password: str, login: str) -> None:
    refuse_weak(password, login)
