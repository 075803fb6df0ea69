"""The envelope: published vectors, and everything that must not pass for a signature."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import given
from hypothesis import strategies as st

from console import dsse

RFC_8032 = (  # section 7.1, tests 1 to 3: seed, public key, message, signature
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28d"
        "c027beceea1ec40a",
    ),
)
STATEMENT = (
    b'{"_type":"https://in-toto.io/Statement/v1","predicate":{"configuration":[{"digest":{"sha256":'
    b'"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"name":"gate-policy.json"}],"failedTests":[],'
    b'"passedTests":["replay.determinism"],"result":"PASSED"},"predicateType":'
    b'"https://in-toto.io/attestation/test-result/v0.1","subject":[{"digest":{"sha256":'
    b'"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},"name":"evidence-manifest.json"}]}'
)
KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(RFC_8032[0][0]))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(RFC_8032[1][0]))
TRUSTED = {dsse.key_id_of(KEY.public_key()): KEY.public_key()}


def signed(body: bytes = STATEMENT, *, key: Ed25519PrivateKey = KEY) -> dsse.Envelope:
    """The body in an envelope."""
    return dsse.sign(payload_type=dsse.IN_TOTO, body=body, key=key)


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_the_library_signs_as_rfc_8032_does(seed: str, public: str, message: str, signature: str) -> None:
    """The published Ed25519 vectors: what our signatures rest on."""
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))

    assert key.public_key().public_bytes_raw().hex() == public
    assert key.sign(bytes.fromhex(message)).hex() == signature


def test_the_published_dsse_vector_verifies_over_our_encoding() -> None:
    """The P-256 signature of the DSSE specification fits the bytes that `pae` makes, and no others."""
    x = 46950820868899156662930047687818585632848591499744589407958293238635476079160
    y = 5640078356564379163099075877009565129882514886557779369047442380624545832820
    raw = base64.b64decode("A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==")
    signature = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()

    encoded = dsse.pae(payload_type="http://example.com/HelloWorld", body=b"hello world")

    assert encoded == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    key.verify(signature, encoded, ec.ECDSA(SHA256()))
    with pytest.raises(InvalidSignature):
        key.verify(signature, encoded + b" ", ec.ECDSA(SHA256()))


def test_a_statement_is_signed_byte_for_byte_as_measured_elsewhere() -> None:
    """A fixed statement and a fixed key have one encoding and one signature, for ever."""
    assert hashlib.sha256(STATEMENT).hexdigest() == "2b0904ac1b36a6c0b87c53fec80560884a439be71395b70bde4df73f2bdd363e"
    encoded = dsse.pae(payload_type=dsse.IN_TOTO, body=STATEMENT)
    assert hashlib.sha256(encoded).hexdigest() == "8bf0750fa080929debae998cd289170503da56f50f03b5892596925409db8dc0"
    assert base64.b64encode(signed().signatures[0].signature).decode() == (
        "ywpKwWPa0cW9Dk4gkBlfXpnxfBBFmaQ9+/VnNsXG+SO/BYJK+MCwiAnmLqSJJaSjs+bJJ/TROjuerz8Mh81SDQ=="
    )


def test_lengths_are_counted_in_bytes_not_in_characters() -> None:
    """A type or body with letters beyond ASCII is encoded as its UTF-8 bytes."""
    assert dsse.pae(payload_type="tüp", body="ä".encode()) == "DSSEv1 4 tüp 2 ä".encode()


@given(body=st.binary(max_size=200), kind=st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_what_was_signed_is_handed_on_unchanged(body: bytes, kind: str) -> None:
    """Writing, reading and verifying gives the very bytes."""
    envelope = dsse.read(dsse.sign(payload_type=kind, body=body, key=KEY).as_text())

    verified = dsse.verify(envelope, keys=TRUSTED, payload_type=kind)

    assert verified == dsse.Verified(body=body, key_ids=tuple(TRUSTED))


def test_both_base64_alphabets_and_unknown_members_are_accepted() -> None:
    """Other tools write URL-safe base64 without padding and members of their own."""
    content = json.loads(signed(b"\xff\xfe\xfd?>").as_text())
    content["payload"] = base64.urlsafe_b64encode(b"\xff\xfe\xfd?>").decode().rstrip("=")
    content["signatures"][0]["sig"] = content["signatures"][0]["sig"].replace("+", "-").replace("/", "_")
    content["theirs"] = {"anything": 1}

    assert dsse.verify(dsse.read(json.dumps(content)), keys=TRUSTED).body == b"\xff\xfe\xfd?>"


def test_a_missing_or_false_key_id_decides_nothing() -> None:
    """The hint is unauthenticated: a good signature stays good, a strange one stays strange."""
    content = json.loads(signed().as_text())
    del content["signatures"][0]["keyid"]
    assert dsse.verify(dsse.read(json.dumps(content)), keys=TRUSTED).key_ids == tuple(TRUSTED)

    forged = json.loads(signed(key=OTHER).as_text())
    forged["signatures"][0]["keyid"] = next(iter(TRUSTED))
    with pytest.raises(dsse.SignatureWrong):
        dsse.verify(dsse.read(json.dumps(forged)), keys=TRUSTED)


def test_every_changed_byte_of_the_body_is_noticed() -> None:
    """The body of an envelope cannot be altered anywhere."""
    envelope = signed()
    for place in range(len(STATEMENT)):
        changed = bytearray(STATEMENT)
        changed[place] ^= 1
        altered = dsse.Envelope(payload_type=envelope.payload_type, body=bytes(changed), signatures=envelope.signatures)
        with pytest.raises(dsse.SignatureWrong):
            dsse.verify(altered, keys=TRUSTED)


def test_a_signature_for_one_type_is_none_for_another() -> None:
    """The type is signed too, and a caller says which one it understands."""
    envelope = signed()
    retyped = dsse.Envelope(payload_type="application/x-other", body=envelope.body, signatures=envelope.signatures)

    with pytest.raises(dsse.OtherPayload):
        dsse.verify(retyped, keys=TRUSTED)
    with pytest.raises(dsse.SignatureWrong):
        dsse.verify(retyped, keys=TRUSTED, payload_type="application/x-other")


def test_a_stranger_and_an_empty_trust_are_refused() -> None:
    """Signed by a key that is not trusted here; and where no key is trusted nothing passes."""
    with pytest.raises(dsse.OtherKey):
        dsse.verify(signed(key=OTHER), keys=TRUSTED)
    with pytest.raises(dsse.OtherKey):
        dsse.verify(signed(), keys={})


def test_a_threshold_counts_keys_and_not_signatures() -> None:
    """The same key twice is one; two different ones are two."""
    envelope, second = signed(), signed(key=OTHER)
    both = {**TRUSTED, dsse.key_id_of(OTHER.public_key()): OTHER.public_key()}
    twice = dsse.Envelope(payload_type=dsse.IN_TOTO, body=STATEMENT, signatures=envelope.signatures * 2)
    two = dsse.Envelope(payload_type=dsse.IN_TOTO, body=STATEMENT, signatures=envelope.signatures + second.signatures)

    with pytest.raises(dsse.SignatureWrong):
        dsse.verify(twice, keys=both, threshold=2)
    assert len(dsse.verify(two, keys=both, threshold=2).key_ids) == 2


def test_every_cut_of_an_envelope_is_refused_as_cut() -> None:
    """Wherever the file ends too early, the refusal says so or that it is no envelope; it never reads."""
    text = signed().as_text()
    for length in range(1, len(text)):
        with pytest.raises((dsse.EnvelopeCut, dsse.EnvelopeMalformed)):
            dsse.read(text[:length])
    with pytest.raises(dsse.EnvelopeCut):
        dsse.read(text[: len(text) // 2])


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[]", "JSON"),
        ("{}", "signatures"),
        ("nothing}", "JSON"),
        (b"\xff\xff}", "JSON"),
        ('{"signatures":[],"payload":"","payloadType":""}', "signatures"),
        ('{"signatures":[1],"payload":"","payloadType":""}', "signatures"),
        ('{"signatures":[{"sig":"","keyid":1}],"payload":"","payloadType":""}', "keyid"),
        ('{"signatures":[{"sig":5}],"payload":"","payloadType":""}', "sig"),
        ('{"signatures":[{}],"payload":"","payloadType":""}', "sig"),
        ('{"signatures":[{"sig":""}],"payload":"","payload":"","payloadType":""}', "payload"),
        ('{"signatures":[{"sig":""}],"payload":"$$$$","payloadType":""}', "payload"),
        ('{"signatures":[{"sig":""}],"payload":"äöü","payloadType":""}', "payload"),
        ('{"signatures":[{"sig":""}],"payload":""}', "payloadType"),
        ("[" * 100_000 + "}", "JSON"),
    ],
)
def test_what_is_no_envelope_is_refused_by_the_field(text: str | bytes, field: str) -> None:
    """Missing, repeated or of the wrong kind: the refusal names which."""
    with pytest.raises(dsse.EnvelopeMalformed) as refusal:
        dsse.read(text)

    assert refusal.value.params == {"field": field}


def test_an_endless_envelope_is_not_read_at_all() -> None:
    """A limit stands before the parser."""
    with pytest.raises(dsse.EnvelopeTooLarge):
        dsse.read(b" " * (dsse.ENVELOPE_BYTES_MAX + 1))


def test_the_key_id_is_the_digest_that_openssl_shows() -> None:
    """SHA-256 over the DER form: the fixed ASN.1 head of Ed25519 and the 32 raw bytes."""
    raw = bytes.fromhex(RFC_8032[0][1])
    head = bytes.fromhex("302a300506032b6570032100")

    assert dsse.key_id_of(Ed25519PublicKey.from_public_bytes(raw)) == hashlib.sha256(head + raw).hexdigest()
