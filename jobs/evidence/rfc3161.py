"""A time-stamping authority puts its time on a head of the chain (RFC 3161): asked here, and checked here.

The authority sees a hash and nothing else. What it signs is the SHA-256 of the entry's 32 bytes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.x509 import (
    Certificate,
    InvalidVersion,
    Name,
    load_der_x509_certificate,
    load_pem_x509_certificates,
)
from cryptography.x509.oid import NameOID
from rfc3161_client import (
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)
from rfc3161_client.base import HashAlgorithm
from rfc3161_client.tsp import PKIStatus

from collectors.transport.client import Http, HttpOptions, NoAnswer
from jobs.evidence.pack_proof import Stamp
from storage.model.text.states import clean

LIMITS: Final = HttpOptions(timeout_s=20.0, max_body=64 * 1024)
_SHA256: Final = "2.16.840.1.101.3.4.2.1"


class TimestampError(Exception):
    """There is no time stamp. The message is a clause that says why: "the authority refuses (…)"."""


@dataclass(frozen=True, slots=True)
class Authority:
    """Where an authority is asked, and what its signature is checked against."""

    url: str
    certificates: tuple[Certificate, ...]


def certificates_in(path: Path) -> tuple[Certificate, ...]:
    """The certificates of a file, PEM or DER. Raises TimestampError with a sentence that names the file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise TimestampError(f"{path}: the file does not exist.") from None
    except OSError as error:
        raise TimestampError(f"{path}: the file cannot be read ({error.strerror}).") from error
    try:
        if b"-----BEGIN" in content:
            return tuple(load_pem_x509_certificates(content))
        return (load_der_x509_certificate(content),)
    except InvalidVersion as error:
        raise TimestampError(f"{path} contains a certificate of an unknown version.") from error
    except ValueError as error:
        raise TimestampError(f"{path} contains no certificate in PEM or DER format.") from error


async def stamped(http: Http, authority: Authority, entry: bytes) -> tuple[bytes, Stamp]:
    """Have the authority put its time on an entry: its answer as it came, and what that says.

    Raises TimestampError; an answer that does not verify is none.
    """
    request = TimestampRequestBuilder().data(entry).hash_algorithm(HashAlgorithm.SHA256).build()
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    try:
        answer = await http.send("POST", authority.url, headers, request.as_bytes())
    except NoAnswer as error:
        raise TimestampError(f"the authority does not answer ({clean(str(error), 200)})") from error
    if answer.http_status != 200:
        raise TimestampError(f"the authority answers with HTTP status {answer.http_status}")
    response = _response(answer.body, entry)
    if response.tst_info.nonce != request.nonce:
        raise TimestampError("the authority answered a different request")
    return answer.body, _signed(response, entry, authority.certificates)


def stamp_in(token: bytes, entry: bytes, certificates: Sequence[Certificate] = ()) -> Stamp:
    """What a stored answer says of an entry; without certificates its signature is not checked.

    Raises TimestampError when it is about something else, or when its signature is not right.
    """
    response = _response(token, entry)
    if certificates:
        return _signed(response, entry, certificates)
    return Stamp(response.tst_info.gen_time, None)


def _response(token: bytes, entry: bytes) -> TimeStampResponse:
    """An answer that grants a time stamp of this entry, its signature not looked at yet."""
    try:
        response = decode_timestamp_response(token)
        status = PKIStatus(response.status)
        if status is not PKIStatus.GRANTED:
            said = clean(" ".join(response.status_string) or status.name.lower(), 200)
            raise TimestampError(f"the authority refused the request ({said})")
        imprint = response.tst_info.message_imprint
        is_ours = imprint.hash_algorithm.dotted_string == _SHA256
        is_ours = is_ours and imprint.message == hashlib.sha256(entry).digest()
    except ValueError as error:
        raise TimestampError("the answer is not a time stamp") from error
    if not is_ours:
        raise TimestampError("the answer is a time stamp of other data")
    return response


def _signed(response: TimeStampResponse, entry: bytes, certificates: Sequence[Certificate]) -> Stamp:
    try:
        VerifierBuilder(roots=list(certificates)).build().verify_message(response, entry)
        return Stamp(response.tst_info.gen_time, _signer(response))
    except (VerificationError, ValueError, InvalidVersion) as error:
        raise TimestampError(
            "its signature could not be verified with the authority's certificates"
        ) from error


def _signer(response: TimeStampResponse) -> str:
    """The common name in the certificate that the signature was made with."""
    (signer,) = response.signed_data.signer_infos
    for content in response.signed_data.certificates:
        certificate = load_der_x509_certificate(content)
        if (certificate.issuer, certificate.serial_number) == (signer.issuer, signer.serial_number):
            return _name(certificate.subject)
    raise ValueError("the answer contains no certificate of the signer")


def _name(subject: Name) -> str:
    names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return clean(str(names[0].value if names else subject.rfc4514_string()), 100)
