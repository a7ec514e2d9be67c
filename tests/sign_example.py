"""Signs the shipped example anew, after its text was changed: `python -m tests.sign_example`.

A real version is never signed so: each authority signs with its own key, `l233 scheme sign`.
"""

from pathlib import Path
from typing import Final

import scheme
from coordination.scheme_version import Files, read_signed
from coordination.signing import private_key, sign
from l233.reference import directory
from l233.scheme_files import read_files, signatures_file, write_signatures
from schemas.scheme import Act

SHIPPED: Final = Path(scheme.__file__).parent
WHO: Final[tuple[tuple[str, Act, str], ...]] = (
    ("cnam", "establishes", "2025-11-28T10:00:00+01:00"),
    ("cnav", "establishes", "2025-12-01T15:30:00+01:00"),
    ("acoss", "establishes", "2025-12-02T09:15:00+01:00"),
    ("minister-social-security", "approves", "2025-12-12T11:00:00+01:00"),
    ("minister-budget", "approves", "2025-12-15T17:45:00+01:00"),
)


def sign_example(file: Path) -> None:
    """Write the five signatures of the example keys beside a version."""
    signatures_file(file).unlink(missing_ok=True)
    blank = read_files(file)
    signed = read_signed(Files(file.name, blank.text, blank.signatures_file, None), directory())
    digest = signed.scheme.hash
    signatures = []
    for authority, act, at in WHO:
        key = private_key((SHIPPED / "example_keys" / f"{authority}.EXAMPLE-PRIVATE.pem").read_bytes())
        signatures.append(sign(key, signed.scheme.version, digest, act=act, authority=authority, at=at))
    write_signatures(signed, tuple(signatures))


if __name__ == "__main__":
    for version in sorted((SHIPPED / "versions").glob("*.yaml")):
        sign_example(version)
