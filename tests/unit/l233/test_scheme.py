"""`l233 scheme`: a draft is looked over, signed by three, approved by two, shown; who errs is told."""

import json
import stat
from pathlib import Path

import pytest

from coordination.lifecycle import HEADS, MINISTERS
from tests.unit.coordination.signed import KEYS, TEXT, version
from tests.unit.l233.command_line import Done, run


@pytest.fixture(autouse=True)
def outside_production(monkeypatch: pytest.MonkeyPatch) -> None:
    """Start from the defaults."""
    monkeypatch.delenv("L233_PRODUCTION", raising=False)
    monkeypatch.delenv("L233_TRUSTED_KEYS", raising=False)


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    """Write a draft that nobody has signed yet."""
    path = tmp_path / "2026-07.yaml"
    path.write_text(version(), encoding="utf-8")
    return path


def example(authority: str) -> Path:
    """Return the example key of an authority."""
    return KEYS / f"{authority}.EXAMPLE-PRIVATE.pem"


def sign(capsys: pytest.CaptureFixture[str], draft: Path, authority: str, *more: str) -> Done:
    """Sign or approve a draft with an example key."""
    verb = "sign" if authority in HEADS else "approve"
    return run(capsys, "scheme", verb, draft, "--as", authority, "--key", example(authority), *more)


def sign_all(capsys: pytest.CaptureFixture[str], draft: Path) -> None:
    """Have everybody sign a draft."""
    for authority in (*HEADS, *MINISTERS):
        assert sign(capsys, draft, authority).code == 0


def own_keys(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """Make keys for every authority."""
    folder.mkdir()
    for authority in (*HEADS, *MINISTERS):
        assert run(capsys, "scheme", "keygen", authority, "--to", folder).code == 0


# -- keys -----------------------------------------------------------------------------------------------


def test_a_private_key_is_for_its_owner_alone(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    done = run(capsys, "scheme", "keygen", "cnam", "--to", tmp_path, "--json")
    (told,) = done.lines
    assert done.code == 0
    assert told["authority"] == "cnam"
    assert stat.S_IMODE(Path(told["private"]).stat().st_mode) == 0o600
    assert "PRIVATE" not in Path(told["public"]).read_text()
    assert len(bytes.fromhex(told["key"])) == 32


def test_a_key_is_never_overwritten(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(capsys, "scheme", "keygen", "cnav", "--to", tmp_path).code == 0
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    for lost in (tmp_path / "cnav.private.pem", tmp_path / "cnav.public.pem"):
        lost.unlink()
        done = run(capsys, "scheme", "keygen", "cnav", "--to", tmp_path)
        assert done.code == 2
        assert "is never overwritten" in done.error
        assert not lost.exists()
        lost.write_bytes(before[lost])


def test_nobody_else_gets_a_key(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    done = run(capsys, "scheme", "keygen", "cpam:311", "--to", tmp_path)
    assert (done.code, list(tmp_path.iterdir())) == (2, [])
    assert "one of cnam, cnav, acoss, minister-social-security, minister-budget" in done.error


# -- signing --------------------------------------------------------------------------------------------


def test_three_signatures_and_two_approvals(capsys: pytest.CaptureFixture[str], draft: Path) -> None:
    """Each step tells how far the draft is and who is missing."""
    told = [sign(capsys, draft, authority, "--json").lines[0] for authority in (*HEADS, *MINISTERS)]
    assert [one["state"] for one in told] == ["draft", "draft", "established", "established", "approved"]
    assert [len(one["missing"]) for one in told] == [4, 3, 2, 1, 0]
    (shown,) = run(capsys, "scheme", "show", draft, "--json").lines
    (one,) = shown["versions"]
    assert (one["scheme"], one["state"], one["missing"]) == ("2026-07", "approved", [])
    assert {entry["verdict"] for entry in one["signatures"]} == {"good"}
    assert shown["in_force"] is None, "a file is not in force: it is not published"


def test_ministers_approve_what_is_established(capsys: pytest.CaptureFixture[str], draft: Path) -> None:
    sign(capsys, draft, "cnam")
    done = sign(capsys, draft, "minister-budget")
    assert done.code == 1
    assert "not established yet, so there is nothing to approve: cnav, acoss must sign" in done.error


def test_a_minister_may_be_named_in_words(capsys: pytest.CaptureFixture[str], draft: Path) -> None:
    for authority in HEADS:
        sign(capsys, draft, authority)
    key = example("minister-budget")
    done = run(capsys, "scheme", "approve", draft, "--as", "Minister for the budget", "--key", key)
    assert done.code == 0
    assert "minister-budget approves 2026-07" in done.out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["sign", "--as", "minister-budget", "--key", "minister-budget"], 2, "one of cnam, cnav, acoss can"),
        (["approve", "--as", "cnam", "--key", "cnam"], 2, "one of minister-social-security, minister-budget"),
        (["sign", "--as", "cnam", "--key", "cnav"], 1, "this is the key of cnav, not of cnam"),
        (["sign", "--as", "cnam", "--key", "nobody"], 2, "can't read"),
    ],
)
def test_who_may_not_sign_is_told(
    capsys: pytest.CaptureFixture[str], draft: Path, words: list[str], code: int, message: str
) -> None:
    verb, *options, key = words
    if verb == "approve":
        for authority in HEADS:
            sign(capsys, draft, authority)
    before = sorted(path.read_bytes() for path in draft.parent.iterdir())
    done = run(capsys, "scheme", verb, draft, *options, example(key))
    assert done.code == code
    assert message in done.error
    assert sorted(path.read_bytes() for path in draft.parent.iterdir()) == before


def test_nobody_signs_twice(capsys: pytest.CaptureFixture[str], draft: Path) -> None:
    sign(capsys, draft, "cnav")
    done = sign(capsys, draft, "cnav")
    assert (done.code, "cnav has signed this text already" in done.error) == (1, True)


def test_a_draft_with_a_mistake_is_not_signed(capsys: pytest.CaptureFixture[str], draft: Path) -> None:
    text = draft.read_text().replace("support: acoss", "support: acos")
    draft.write_text(text)
    line = next(at for at, said in enumerate(text.splitlines(), 1) if "support: acos" in said)
    done = sign(capsys, draft, "cnam")
    assert done.code == 1
    assert done.error.startswith(f"{draft}:{line}: rules > income.declared > support: acos is not in")
    assert list(draft.parent.iterdir()) == [draft]


def test_a_signed_text_that_is_changed_must_be_signed_anew(
    capsys: pytest.CaptureFixture[str], draft: Path
) -> None:
    sign(capsys, draft, "cnam")
    draft.write_text(draft.read_text() + "# later\n")
    for done in (sign(capsys, draft, "cnav"), run(capsys, "scheme", "show", draft)):
        assert done.code == 1
        assert "2026-07.signatures.json:3: sha256: signs another text than" in done.error


def test_an_unknown_key_signs_and_does_not_count(
    capsys: pytest.CaptureFixture[str], draft: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever signs need not know whom others trust; those who publish must."""
    own_keys(capsys, tmp_path / "keys")
    key = tmp_path / "keys" / "cnam.private.pem"
    done = run(capsys, "scheme", "sign", draft, "--as", "cnam", "--key", key)
    assert done.code == 0
    assert "is not among the trusted keys here" in done.err
    (shown,) = run(capsys, "scheme", "show", draft, "--json").lines
    assert [one["verdict"] for one in shown["versions"][0]["signatures"]] == ["untrusted_key"]
    monkeypatch.setenv("L233_TRUSTED_KEYS", str(tmp_path / "keys"))
    (shown,) = run(capsys, "scheme", "show", draft, "--json").lines
    assert [one["verdict"] for one in shown["versions"][0]["signatures"]] == ["good"]


# -- lint -----------------------------------------------------------------------------------------------


def test_lint_tells_every_mistake_with_its_line(capsys: pytest.CaptureFixture[str], draft: Path) -> None:
    draft.write_text(
        draft.read_text().replace("support: acoss", "support: acos").replace("by: subject", "by: it")
    )
    done = run(capsys, "scheme", "lint", draft, "--json")
    assert done.code == 1
    assert len(done.lines[0]["problems"]) == 3
    assert all(problem.startswith(f"{draft}:") for problem in done.lines[0]["problems"])


def test_lint_tells_how_several_files_do_not_fit(capsys: pytest.CaptureFixture[str], draft: Path) -> None:
    other = draft.with_name("other.yaml")
    other.write_text(version("2026-08"))
    done = run(capsys, "scheme", "lint", draft, other)
    assert done.code == 1
    assert ": in_force: version 2026-07 comes into force at this very time" in done.out
    other.write_text(version("2026-08", "2026-08-01T00:00:00+02:00"))
    assert run(capsys, "scheme", "lint", draft, other).code == 0


@pytest.mark.parametrize(("content", "message"), [(None, "can't read"), (b"\xff", "no UTF-8 text (byte 0)")])
def test_a_file_that_can_not_be_read_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: bytes | None, message: str
) -> None:
    file = tmp_path / "draft.yaml"
    if content is not None:
        file.write_bytes(content)
    done = run(capsys, "scheme", "lint", file)
    assert (done.code, message in done.error) == (2, True)


# -- what is shipped ------------------------------------------------------------------------------------


def test_the_shipped_example_is_signed_by_the_example_keys(capsys: pytest.CaptureFixture[str]) -> None:
    done = run(capsys, "scheme", "show", "--json")
    assert done.code == 0, f"{done.err} After a change: `python -m tests.sign_example`"
    (one,) = done.lines[0]["versions"]
    assert (one["scheme"], one["origin"], one["missing"]) == ("2026-01", "shipped", [])
    assert [entry["verdict"] for entry in one["signatures"]] == ["good"] * 5


def test_production_refuses_the_example_keys(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everybody has them: not even in the folder of trusted keys do they count."""
    monkeypatch.setenv("L233_PRODUCTION", "true")
    assert "production trusts no example key" in run(capsys, "scheme", "show").error
    folder = tmp_path / "keys"
    own_keys(capsys, folder)
    monkeypatch.setenv("L233_TRUSTED_KEYS", str(folder))
    (shown,) = run(capsys, "scheme", "show", "--json").lines
    assert {entry["verdict"] for entry in shown["versions"][0]["signatures"]} == {"untrusted_key"}
    assert (shown["in_force"], shown["versions"][0]["state"]) == (None, "draft")
    (folder / "cnam.second.public.pem").write_bytes((KEYS / "cnam.public.pem").read_bytes())
    done = run(capsys, "scheme", "show")
    assert (done.code, "a key of cnam is an example key" in done.error) == (2, True)


def test_a_folder_of_keys_that_can_not_be_used_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "keys"
    monkeypatch.setenv("L233_TRUSTED_KEYS", str(folder))
    assert "can't read L233_TRUSTED_KEYS" in run(capsys, "scheme", "show").error
    folder.mkdir()
    (folder / "cpam.public.pem").write_bytes((KEYS / "cnam.public.pem").read_bytes())
    assert "cpam signs no scheme" in run(capsys, "scheme", "show").error
    (folder / "cpam.public.pem").rename(folder / "cnam.public.pem")
    (folder / "cnav.public.pem").write_text("nothing")
    assert "cnav.public.pem holds no public key in PEM" in run(capsys, "scheme", "show").error
    (folder / "cnav.public.pem").unlink()
    monkeypatch.setenv("L233_PRODUCTION", "1")
    (folder / "cnam.public.pem").unlink()
    assert "no key of cnam, cnav, acoss" in run(capsys, "scheme", "show").error


def test_the_text_that_is_shown_names_who_is_missing(capsys: pytest.CaptureFixture[str], draft: Path) -> None:
    sign(capsys, draft, "cnam")
    out = run(capsys, "scheme", "show", draft).out
    assert "cnam establishes it" in out
    assert "acoss: missing" in out
    assert json.loads(draft.with_name("2026-07.signatures.json").read_text())["scheme"] == "2026-07"
    assert TEXT.startswith("# Strategic")
