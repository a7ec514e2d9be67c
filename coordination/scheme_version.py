"""Decides whether a version of the scheme may be put in force: its text, its signatures, its succession.

A version lies in two files: its text, and beside it the signatures (`2026-01.yaml`,
`2026-01.signatures.json`). Published, both are one record. Either way the same is asked of it, and every
mistake is told with its file and line.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final, assert_never

from pydantic import BaseModel, ConfigDict, ValidationError

from coordination import yaml_text
from coordination.directory import Directory
from coordination.lifecycle import (
    HEADS,
    MINISTERS,
    Fault,
    Stage,
    missing_faults,
    notice_fault,
    signature_faults,
    stage,
    succession_faults,
)
from coordination.rulebook import Scheme
from coordination.scheme_file import SchemeError, form_mistakes, read_whole_scheme
from coordination.signing import Trusted
from coordination.yaml_text import Document, Path
from schemas.scheme import SchemeVersion, Signature
from schemas.types import Rfc3339

_WORDS: Final = {"minister-social-security": "social security", "minister-budget": "budget"}
_EMPTY: Final = Document({}, {})


@dataclass(frozen=True, slots=True)
class Files:
    """A version as it lies on disk. Names only serve the messages; None: nobody has signed yet."""

    text_file: str
    text: str
    signatures_file: str
    signatures: str | None


@dataclass(frozen=True, slots=True)
class Signed:
    """A version that reads well, and the signatures under its text; whether they count is another matter.

    `document` and `lines` know on which lines of the two files things stand.
    """

    scheme: Scheme
    text: str
    signatures: tuple[Signature, ...]
    files: Files
    document: Document
    lines: Document

    @property
    def stage(self) -> Stage:
        """How far its signatures bring it, if they all count."""
        return stage(self.signatures)


class _SignatureForm(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    act: str
    authority: str
    at: Rfc3339
    key: str
    signature: str


class _SignaturesForm(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    scheme: str
    sha256: str
    signatures: list[_SignatureForm]


def read_signed(files: Files, directory: Directory) -> Signed:
    """Read a version with its signatures.

    Raises:
        SchemeError: listing every mistake of the text; or that the signatures are those of another one.
    """
    scheme, document = read_whole_scheme(files.text_file, files.text, directory)
    text = files.text.replace("\r\n", "\n")
    if files.signatures is None:
        return Signed(scheme, text, (), files, document, _EMPTY)
    form, lines = _form(files.signatures_file, files.signatures)
    signatures = tuple(Signature(**one.model_dump()) for one in form.signatures)
    signed = Signed(scheme, text, signatures, files, document, lines)
    refuse(signed, _of_another_text(form, signed))
    return signed


def _form(file: str, text: str) -> tuple[_SignaturesForm, Document]:
    try:
        lines = yaml_text.read(file, text)  # JSON is YAML, and here each value has its line
    except yaml_text.YamlError as error:
        raise SchemeError(str(error)) from error
    try:
        return _SignaturesForm.model_validate(lines.value), lines
    except ValidationError as error:
        raise SchemeError("\n".join(form_mistakes(file, lines, error))) from error


def _of_another_text(form: _SignaturesForm, signed: Signed) -> Iterator[Fault]:
    scheme, file = signed.scheme, signed.files.text_file
    if form.scheme != scheme.version:
        message = f"signs version {form.scheme}, and {file} is {scheme.version}: give each its own file"
        yield Fault("signatures", ("scheme",), "other_text", message)
    elif form.sha256 != scheme.hash:
        message = (
            f"signs another text than {file} holds now: put the signed text back, or remove this file and "
            "have everybody sign again"
        )
        yield Fault("signatures", ("sha256",), "other_text", message)


def signatures_text(scheme: Scheme, signatures: Iterable[Signature]) -> str:
    """Return the content of a file of signatures."""
    return _json(scheme.version, scheme.hash, signatures)


def _json(version: str, digest: str, signatures: Iterable[Signature]) -> str:
    given = [asdict(signature) for signature in signatures]
    return json.dumps({"scheme": version, "sha256": digest, "signatures": given}, indent=2) + "\n"


def faults(signed: Signed, trusted: Trusted) -> tuple[Fault, ...]:
    """Return every signature that does not count, and why."""
    return tuple(signature_faults(signed.scheme.version, signed.scheme.hash, signed.signatures, trusted))


def gaps(signed: Signed) -> tuple[Fault, ...]:
    """Return every signature and approval that is missing."""
    return tuple(missing_faults(signed.signatures, _places(signed.document)))


def refuse(signed: Signed, found: Iterable[Fault]) -> None:
    """Raise SchemeError, one line per fault, if there is any."""
    lines = [told(signed, fault) for fault in found]
    if lines:
        raise SchemeError("\n".join(lines))


def told(signed: Signed, fault: Fault) -> str:
    """Return a fault as a line: file, line, where, what and what to do."""
    where = " > ".join(str(step) for step in fault.path)
    match fault.part:
        case "scheme":
            at = f"{signed.files.text_file}:{signed.document.line_of(fault.path)}"
        case "signatures":
            at = f"{signed.files.signatures_file}:{signed.lines.line_of(fault.path)}"
        case _:
            assert_never(fault.part)
    return f"{at}: {where}: {fault.message}"


def require_in_force_to_be(
    signed: Signed, published: datetime, others: Iterable[Scheme], trusted: Trusted
) -> None:
    """Raise SchemeError for all that speaks against putting a version in force beside the others.

    Its signatures first; then its place among the others; then how long before it was published.
    """
    known = tuple(others)
    refuse(signed, faults(signed, trusted) or gaps(signed))
    refuse(signed, succession_faults(signed.scheme, known))
    late = notice_fault(signed.scheme, published, known)
    refuse(signed, () if late is None else (late,))


def admit(record: SchemeVersion, others: Iterable[Scheme], directory: Directory, trusted: Trusted) -> Signed:
    """Return the version that a published record is, when it may be put in force beside the others.

    Raises:
        SchemeError: listing what speaks against it.
    """
    signed = read_record(record, directory)
    said, since = record.in_force, signed.scheme.in_force.isoformat()
    if said != since:
        raise SchemeError(f"{signed.files.text_file}: in_force: says {said!r}, and the text {since}")
    require_in_force_to_be(signed, _instant(signed, record.published), others, trusted)
    return signed


def read_record(record: SchemeVersion, directory: Directory) -> Signed:
    """Read a published version as if it lay in files. Raises SchemeError."""
    name = f"l233.scheme {record.scheme}"
    signatures = _json(record.scheme, record.sha256, record.signatures)
    files = Files(name, record.text, f"{name} signatures", signatures)
    return read_signed(files, directory)


def _instant(signed: Signed, text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        message = f"{signed.files.text_file}: published: {text!r} is no time with an offset: publish it again"
        raise SchemeError(message)
    return found


def _places(document: Document) -> Mapping[str, Path]:
    """Return where the text names each authority."""
    value = document.value if isinstance(document.value, dict) else {}
    heads, ministers = value.get("established_by"), value.get("approved_by")
    places: dict[str, Path] = dict.fromkeys(HEADS, ("established_by",))
    places |= dict.fromkeys(MINISTERS, ("approved_by",))
    for index, entry in enumerate(heads if isinstance(heads, list) else []):
        if isinstance(entry, dict) and isinstance(organism := entry.get("organism"), str):
            places[organism] = ("established_by", index)
    for index, said in enumerate(ministers if isinstance(ministers, list) else []):
        for minister, word in _WORDS.items():
            if isinstance(said, str) and word in said.lower():
                places[minister] = ("approved_by", index)
    return places
