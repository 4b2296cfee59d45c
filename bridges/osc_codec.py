"""OSC 1.0 packets, as the bridges use them: the codec is the engine's, since sensors read such packets too."""

from __future__ import annotations

from ..engine.osc_codec import (
    BUNDLE,
    BUNDLE_HEAD,
    IMMEDIATELY,
    MAX_ADDRESS,
    MAX_ARGS,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_PARTS,
    OscMessage,
    OscValue,
    decode,
    encode_bundle,
    encode_message,
    encode_number,
    encode_string,
)

__all__ = [
    "BUNDLE",
    "BUNDLE_HEAD",
    "IMMEDIATELY",
    "MAX_ADDRESS",
    "MAX_ARGS",
    "MAX_BYTES",
    "MAX_DEPTH",
    "MAX_PARTS",
    "OscMessage",
    "OscValue",
    "decode",
    "encode_bundle",
    "encode_message",
    "encode_number",
    "encode_string",
]
